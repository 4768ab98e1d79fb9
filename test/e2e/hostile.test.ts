/** Garbage, half-open and slow connections, a thousand at once, leave running sessions working. */
import assert from "node:assert/strict";
import { spawn, type ChildProcessWithoutNullStreams } from "node:child_process";
import { randomBytes } from "node:crypto";
import net from "node:net";
import { startDaemon, type Daemon } from "./kit/daemon.js";
import { needProgram, succeed } from "./kit/programs.js";
import { addUser, sshClient, type SshClient } from "./kit/users.js";

const LOGIN = process.env.USER ?? "root";
const COUNT = 1_000;

describe("e2e: hostile connections", function () {
  this.timeout(180_000);
  let daemon: Daemon;
  let client: SshClient;
  let session: ChildProcessWithoutNullStreams;
  const sockets: net.Socket[] = [];

  before(async function () {
    needProgram(this, "ssh");
    daemon = await startDaemon();
    await addUser(daemon, "alice", LOGIN);
    client = await sshClient(daemon, "alice", LOGIN);
    session = spawn("ssh", [...client.args, "-J", client.jump, `${LOGIN}@node1.example.test`, "cat"]);
    assert.equal(await echo("before"), "before\n");
  });
  afterEach(() => sockets.splice(0).forEach((socket) => socket.destroy()));
  after(async () => {
    session?.kill();
    await daemon?.remove();
  });

  /** Sends a line into the session that runs all the time and waits for it to come back. */
  function echo(line: string): Promise<string> {
    return new Promise((resolve) => {
      let back = "";
      const onData = (chunk: Buffer): void => {
        back += chunk.toString();
        if (!back.endsWith("\n")) return;
        session.stdout.off("data", onData);
        resolve(back);
      };
      session.stdout.on("data", onData);
      session.stdin.write(`${line}\n`);
    });
  }

  /** Opens many connections to a port and returns how many were taken; `talk` says what each does with its own. */
  async function attack(port: number, talk: (socket: net.Socket, i: number) => void): Promise<number> {
    let taken = 0;
    await Promise.all(
      Array.from(
        { length: COUNT },
        (_, i) =>
          new Promise<void>((resolve) => {
            const socket = net.connect(port, "127.0.0.1");
            sockets.push(socket);
            // A refusal is a fine answer to an attack.
            socket.on("error", () => resolve());
            socket.on("close", () => resolve());
            socket.once("connect", () => {
              taken += 1;
              talk(socket, i);
              resolve();
            });
          }),
      ),
    );
    return taken;
  }

  const attacks: [string, (socket: net.Socket, i: number) => void][] = [
    ["says nothing", () => undefined],
    ["sends garbage", (socket) => void socket.write(randomBytes(4096))],
    ["sends half a banner", (socket) => void socket.write("SSH-2.0-")],
    [
      "sends a banner and garbage",
      (socket) => void socket.write(Buffer.concat([Buffer.from("SSH-2.0-x\r\n"), randomBytes(2000)])),
    ],
    ["sends a banner and leaves", (socket) => void socket.end("SSH-2.0-x\r\n")],
    [
      "claims a huge packet",
      (socket) => void socket.write(Buffer.from("SSH-2.0-x\r\n\xff\xff\xff\xff\x01\x14", "latin1")),
    ],
    [
      "forges a client address without end",
      (socket) => void socket.write(`Teleport-Proxy{"clientAddr":"${"1".repeat(5000)}`),
    ],
    ["starts TLS and stops", (socket) => void socket.write(Buffer.from([0x16, 3, 1, 2, 0, 1]))],
    ["resets at once", (socket) => void socket.resetAndDestroy()],
  ];
  for (const [name, talk] of attacks) {
    it(`${COUNT} clients, each of which ${name}, on every port`, async () => {
      for (const port of [daemon.ports.node, daemon.ports.ssh, daemon.ports.web, daemon.ports.auth]) {
        assert.ok((await attack(port, talk)) > COUNT / 2, "the attack reached the daemon");
        assert.equal(await echo(`during ${name} on ${port}`), `during ${name} on ${port}\n`);
        sockets.splice(0).forEach((socket) => socket.destroy());
      }
    });
  }

  it("lets new users in afterwards", async () => {
    const args = [...client.args, "-J", client.jump, `${LOGIN}@node1.example.test`, "echo in"];
    assert.equal(await succeed("ssh", args), "in\n");
    assert.equal(daemon.child.exitCode, null);
  });
});
