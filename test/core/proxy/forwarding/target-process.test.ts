import assert from "node:assert/strict";
import { text } from "node:stream/consumers";
import { SshReader } from "../../../../core/pki/ssh-wire.js";
import { startTargetProcess } from "../../../../core/proxy/forwarding/target-process.js";
import type { SessionLaunch } from "../../../../core/session/session-host.js";
import type { PeerRequest, SshChannel, SshConnection } from "../../../../core/ssh/contract.js";
import { Loopback } from "../../ssh/loopback.js";

const LAUNCH: SessionLaunch = {
  program: { kind: "exec", command: "run me", scp: undefined },
  pty: undefined,
  environment: new Map([["LANG", "C"]]),
  forwardAgent: false,
  display: undefined,
};

const connections: SshConnection[] = [];

/** A connection to a target that grants requests unless they are in `refused`, and then runs `program`. */
async function target(
  program: (channel: SshChannel) => void,
  refused: readonly string[] = [],
): Promise<{ connection: SshConnection; requests: PeerRequest[] }> {
  const requests: PeerRequest[] = [];
  const loopback = await Loopback.create({
    onConnection: (connection) =>
      connection.onChannel("session", (open) => {
        const channel = open.accept();
        channel.onRequest((request) => {
          requests.push({ ...request, payload: Buffer.from(request.payload) });
          if (["shell", "exec", "subsystem"].includes(request.name)) setImmediate(() => program(channel));
          return !refused.includes(request.name);
        });
      }),
  });
  const connection = await loopback.connect();
  connections.push(connection);
  return { connection, requests };
}

describe("proxy: a program on the target", () => {
  afterEach(() => connections.splice(0).forEach((connection) => connection.disconnect("done")));

  it("gets its input, and gives both outputs and its exit code", async () => {
    const { connection, requests } = await target((channel) => {
      void text(channel).then(async (input) => {
        channel.write(`out:${input}`);
        await channel.writeExtended(Buffer.from("err"));
        channel.exitStatus(7);
        channel.close();
      });
    });
    const process = await startTargetProcess(connection, LAUNCH);
    process.stdin.end("in");
    assert.equal(await text(process.stdout), "out:in");
    assert.equal(await text(process.stderr!), "err");
    assert.deepEqual(await process.exited, { code: 7 });
    assert.deepEqual(
      requests.map(({ name }) => name),
      ["env", "exec"],
    );
    assert.equal(new SshReader(requests[1]!.payload).text(), "run me");
  });

  it("tells the signal that ended it, and 255 where the target says nothing", async () => {
    for (const [end, status] of [
      [(channel: SshChannel) => channel.exitSignal("KILL", false, ""), { signal: "SIGKILL" }],
      [(channel: SshChannel) => channel.exitSignal("XYZ@example", false, ""), { code: 255 }],
      [() => undefined, { code: 255 }],
    ] as const) {
      const { connection } = await target((channel) => {
        end(channel);
        channel.close();
      });
      const process = await startTargetProcess(connection, LAUNCH);
      assert.deepEqual(await process.exited, status);
    }
  });

  it("has a terminal of the client's kind, which changes its size with the client's", async () => {
    const { connection, requests } = await target(() => undefined);
    const size = { columns: 100, rows: 40 };
    const pty = { terminalType: "vt100", size, modes: Buffer.of(53, 0, 0, 0, 0, 0) };
    const process = await startTargetProcess(connection, { ...LAUNCH, pty, program: { kind: "shell" } });
    process.resize?.({ columns: 120, rows: 50 });
    await connection.globalRequest("settle", true);
    const request = new SshReader(requests.find(({ name }) => name === "pty-req")!.payload);
    assert.deepEqual([request.text(), request.uint32(), request.uint32()], ["vt100", 100, 40]);
    request.uint32();
    request.uint32();
    assert.deepEqual(Buffer.from(request.string()), pty.modes);
    const change = new SshReader(requests.find(({ name }) => name === "window-change")!.payload);
    assert.deepEqual([change.uint32(), change.uint32()], [120, 50]);
    assert.equal(process.stderr, undefined);
    process.hangUp();
    assert.deepEqual(await process.exited, { code: 255 });
  });

  it("is not started where the target refuses it, or what it needs", async () => {
    const { connection } = await target(() => undefined, ["exec"]);
    await assert.rejects(startTargetProcess(connection, LAUNCH), /the remote host refuses to run commands/);
    const noTerminal = await target(() => assert.fail("it was started"), ["pty-req"]);
    const pty = { terminalType: "vt100", size: { columns: 80, rows: 25 }, modes: Buffer.of(0) };
    await assert.rejects(startTargetProcess(noTerminal.connection, { ...LAUNCH, pty }), /refuses a terminal/);
  });

  it("is started without an agent where the target takes none", async () => {
    const { connection } = await target((channel) => channel.close(), ["auth-agent-req@openssh.com"]);
    await startTargetProcess(connection, { ...LAUNCH, forwardAgent: true });
  });
});
