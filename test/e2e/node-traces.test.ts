/** What a node shows and leaves on its host: its names, what sessions know of it, and nothing after a crash. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, existsSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { type Agent, startAgent } from "./kit/agent.js";
import { startDaemon, type Daemon } from "./kit/daemon.js";
import { needProgram, ours, run, succeed } from "./kit/programs.js";
import { said } from "./kit/said.js";
import { addUser, sshClient, type SshClient } from "./kit/users.js";

const LOGIN = process.env.USER ?? "root";
const NAMES = ["db.example.test", "web.example.test"];

describe("e2e: traces of a node", function () {
  this.timeout(120_000);
  let daemon: Daemon;
  let client: SshClient;
  let folder: string;

  before(async function () {
    needProgram(this, "ssh", "ssh-agent");
    daemon = await startDaemon({ ssh_service: { public_addr: [`${NAMES[0]}:22`, `${NAMES[1]}:2222`] } });
    await addUser(daemon, "alice", LOGIN);
    client = await sshClient(daemon, "alice", LOGIN);
    folder = mkdtempSync(path.join(tmpdir(), "traces-"));
    chmodSync(folder, 0o777);
  });
  after(async () => {
    await daemon?.remove();
    if (folder) rmSync(folder, { recursive: true, force: true });
  });

  const jump = (): string[] => [...client.args, "-J", client.jump];
  const notes = (kind: string): string[] => {
    const directory = path.join(daemon.dataDir, "node", kind);
    return existsSync(directory) ? readdirSync(directory) : [];
  };

  it("is reached by each of its public addresses, which its certificate names", async () => {
    for (const name of NAMES) {
      assert.equal(
        await succeed("ssh", [...jump(), `${LOGIN}@${name}`, "echo $HOME"]),
        `${process.env.HOME}\n`,
      );
    }
    assert.equal(await succeed("ssh", [...jump(), "-p", "2222", `${LOGIN}@${NAMES[1]}`, "echo in"]), "in\n");
    const { code } = await run("ssh", [...jump(), `${LOGIN}@mail.example.test`, "echo in"]);
    assert.equal(code, 255);
  });

  it("lets sessions say where they run", async () => {
    const { stdout } = await run("ssh", [
      ...["-tt", ...jump(), `${LOGIN}@node1.example.test`],
      `${ours("teleport")} status`,
    ]);
    const lines = stdout.trim().split(/\r?\n/);
    assert.deepEqual(
      lines.map((line) =>
        line.replace(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, "UUID").replace(/ \d+ \d+$/, " PORT PORT"),
      ),
      [
        `User ID     : alice, logged in as ${LOGIN} from 127.0.0.1 PORT PORT`,
        "Cluster Name: example.test",
        `Host UUID   : UUID`,
        `Session ID  : UUID`,
        `Session URL : https://127.0.0.1:${daemon.ports.web}/web/cluster/example.test/node/UUID/${LOGIN}/UUID`,
      ],
    );
  });

  describe("after kill -9", () => {
    let agent: Agent;
    before(() => {
      agent = startAgent(path.join(client.folder, "id"));
    });
    after(() => agent.stop());

    it("is clean of sockets that forwarding has made, but not of what others have put there", async () => {
      const mine = path.join(folder, "mine");
      const taken = path.join(folder, "taken");
      const args = [...client.args, "-o", "HostKeyAlias=node1.example.test", "-p", String(daemon.ports.node)];
      const forwards = [mine, taken].flatMap((socket) => ["-R", `${socket}:127.0.0.1:1`]);
      const session = spawn(
        "ssh",
        ["-A", ...forwards, ...args, `${LOGIN}@127.0.0.1`, "echo agent=$SSH_AUTH_SOCK.; exec sleep 1000"],
        { env: { ...process.env, ...agent.env }, stdio: ["ignore", "pipe", "ignore"] },
      );
      let output = "";
      session.stdout.on("data", (chunk: Buffer) => (output += chunk.toString()));
      await said(session.stdout, ".\n");
      const agentSocket = /agent=(\S+)\.\n/.exec(output)?.[1] ?? "";
      // The program may speak before the forwards stand.
      while (notes("open-sockets").length < 3 || !existsSync(taken)) await pause(20);
      for (const socket of [mine, taken, agentSocket]) assert.ok(statSync(socket).isSocket(), socket);
      assert.equal(notes("open-sockets").length, 3);
      const closed = once(session, "close");
      await daemon.stop("SIGKILL");
      await closed;
      assert.ok(existsSync(agentSocket));
      rmSync(taken);
      writeFileSync(taken, "somebody else's");
      await daemon.restart();
      await daemon.logged("a socket of an earlier run stays");
      await daemon.logged(mine);
      await daemon.logged(path.dirname(agentSocket));
      assert.ok(!existsSync(mine));
      assert.ok(!existsSync(path.dirname(agentSocket)));
      assert.ok(existsSync(taken));
      await daemon.stop();
      assert.deepEqual(notes("open-sockets"), []);
    });
  });
});
