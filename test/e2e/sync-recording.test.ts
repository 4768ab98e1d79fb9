/** Recordings that go straight to the auth server, and what becomes of them when auth, host or disk fail in the middle. */
import assert from "node:assert/strict";
import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { existsSync, readdirSync, statSync } from "node:fs";
import path from "node:path";
import { startAgent } from "./kit/agent.js";
import { startDaemon, type Daemon } from "./kit/daemon.js";
import { startNode, type JoinedNode } from "./kit/node.js";
import { needProgram, ours, run } from "./kit/programs.js";
import { said } from "./kit/said.js";
import { startSshd } from "./kit/sshd.js";
import { addUser, PASSWORD, sshClient, type SshClient } from "./kit/users.js";
import { LOGIN } from "./kit/ways.js";

const TOKEN = "node-token-of-the-test";
const LOST = /This session ends: its recording does not reach the auth server; the node's log says why/;
/** Auth waits half a minute for a sign of life. */
const FINISHED_WITHIN_MS = 60_000;
const TICKS = "i=0; while [ $i -lt 100 ]; do i=$((i+1)); echo tick $i; sleep 0.1; done";

describe("e2e: recordings straight to the auth server", function () {
  this.timeout(180_000);
  let daemon: Daemon;
  let client: SshClient;
  let node: JoinedNode;
  const newNode = (name: string) => startNode(daemon, { name, token: TOKEN, labels: {} });

  before(async function () {
    needProgram(this, "ssh", "sshd", "ssh-agent");
    daemon = await startDaemon({
      auth_service: { session_recording: "node-sync", tokens: [`node:${TOKEN}`] },
    });
    await addUser(daemon, "alice", LOGIN);
    client = await sshClient(daemon, "alice", LOGIN);
    node = await newNode("two");
  });
  after(async () => {
    await node?.stop();
    await daemon?.remove();
  });

  /** Straight to the node, so that the connection does not hang on the daemon. */
  const terminal = (to: JoinedNode, name: string, command: string): ChildProcess => {
    const target = ["-o", `HostKeyAlias=${name}.example.test`, "-p", `${to.port}`, `${LOGIN}@127.0.0.1`];
    const child = spawn("ssh", [...client.args, "-tt", ...target, command], {
      stdio: ["pipe", "pipe", "pipe"],
    });
    child.stderr.resume();
    return child;
  };
  const uploadOf = async (sid: string): Promise<void> => {
    await daemon.audited(
      (event) => event.event === "session.upload" && event.sid === sid,
      FINISHED_WITHIN_MS,
    );
  };
  const startOf = async (command: string): Promise<string> => {
    const start = await daemon.audited(
      (event) =>
        event.event === "session.start" &&
        Array.isArray(event.initial_command) &&
        event.initial_command.join(" ").includes(command),
    );
    return String(start.sid);
  };
  /** What the recording shows, by tsh. */
  const played = async (sid: string): Promise<string> => {
    const env = { TELEPORT_HOME: path.join(daemon.folder, "tsh"), SSH_AUTH_SOCK: "" };
    const login = ["login", `--proxy=127.0.0.1:${daemon.ports.web}`, "--user=alice", "--insecure"];
    assert.equal((await run(ours("tsh"), login, { env, input: `${PASSWORD}\n` })).code, 0);
    const { code, stdout, stderr } = await run(ours("tsh"), ["play", "--format=asciicast", sid], { env });
    assert.equal(code, 0, stderr);
    return stdout;
  };

  it("leave nothing on the node, and are played like any other", async () => {
    const child = terminal(node, "two", "echo recorded words; read line");
    await said(child.stdout!, "recorded words");
    assert.deepEqual(filesBelow(node.dataDir, /journal|\.gz$|\.index$|\.tar$/), []);
    const sid = await startOf("recorded words");
    child.stdin!.write("\n");
    await uploadOf(sid);
    assert.deepEqual(filesBelow(path.join(node.dataDir, "log", "upload")), []);
    await untilEmpty(path.join(daemon.dataDir, "auth", "journals"));
    assert.match(await played(sid), /recorded words/);
    const ends = daemon.audit().filter((event) => event.event === "session.end" && event.sid === sid);
    assert.deepEqual(
      ends.map(({ interrupted }) => interrupted),
      [undefined],
    );
  });

  it("survive a restart of auth that is short, without a byte lost", async () => {
    const child = terminal(node, "two", `: short; ${TICKS}`);
    const shown = collected(child);
    await said(child.stdout!, "tick 3\r");
    await daemon.stop("SIGKILL");
    await daemon.restart();
    const { code, text } = await shown;
    assert.equal(code, 0, text);
    assert.match(text, /tick 100\r/);
    const sid = await startOf(": short");
    await uploadOf(sid);
    const recorded = await played(sid);
    for (let i = 1; i <= 100; i++) assert.ok(recorded.includes(`tick ${i}\\r`), `tick ${i}`);
  });

  describe("that nobody ends", () => {
    let shown: string;
    let away: string;
    let dying: string;

    // Auth waits for both hosts at once.
    before(async () => {
      const long = terminal(node, "two", `: long; ${TICKS}; ${TICKS}; ${TICKS}`);
      const all = collected(long);
      await said(long.stdout!, "tick 3\r");
      await daemon.stop("SIGKILL");
      shown = (await all).text;
      await daemon.restart();
      away = await startOf(": long");

      const three = await newNode("three");
      const child = terminal(three, "three", `: dying; ${TICKS}; ${TICKS}`);
      await said(child.stdout!, "tick 3\r");
      await three.stop();
      child.kill();
      dying = await startOf(": dying");
    });

    it("end the session with a clear line where auth stays away, and are finished once it is back", async () => {
      assert.match(shown, LOST);
      await uploadOf(away);
      assert.match(await played(away), /tick 3\\r/);
    });

    it("are finished where the node dies", async () => {
      await uploadOf(dying);
      const end = await daemon.audited((event) => event.event === "session.end" && event.sid === dying);
      assert.equal(end.interrupted, true);
      assert.deepEqual(end.participants, ["alice"]);
      assert.match(await played(dying), /tick 3\\r/);
    });
  });

  it("end the session with a clear line where auth's disk is full", async function () {
    const journals = path.join(daemon.dataDir, "auth", "journals");
    const mounted = spawnSync("mount", ["-t", "tmpfs", "-o", "size=64k", "tmpfs", journals]);
    if (mounted.status !== 0) {
      console.log("      skipped: mounting a tmpfs takes root");
      this.skip();
    }
    try {
      const { text } = await collected(terminal(node, "two", "head -c 1000000 /dev/zero | base64; sleep 60"));
      assert.match(text, LOST);
      assert.ok(text.length < 500_000, "what is not recorded is not shown");
    } finally {
      spawnSync("umount", ["-l", journals]);
    }
  });

  it("are made by the proxy of sessions on a stock sshd", async () => {
    const proxied = await startDaemon({ auth_service: { session_recording: "proxy-sync" } });
    const user = addUser(proxied, "alice", LOGIN).then(() => sshClient(proxied, "alice", LOGIN));
    const { args, folder, jump } = await user;
    const agent = startAgent(path.join(folder, "id"));
    const sshd = await startSshd(proxied);
    const ssh = (...rest: string[]) =>
      run(
        "ssh",
        [...[...args, "-o", "StrictHostKeyChecking=no", "-A", "-J", jump, "-p", `${sshd.port}`], ...rest],
        { env: agent.env },
      );
    try {
      assert.match((await ssh("-tt", `${LOGIN}@${sshd.host}`, "echo via the proxy")).stdout, /via the proxy/);
      const upload = await proxied.audited(({ event }) => event === "session.upload", FINISHED_WITHIN_MS);
      assert.ok(existsSync(new URL(String(upload.url))));
      assert.deepEqual(filesBelow(path.join(proxied.dataDir, "proxy", "log")), []);
      assert.deepEqual(filesBelow(path.join(proxied.dataDir, "log", "upload")), []);

      assert.equal((await ssh(`${LOGIN}@${sshd.host}`, "true without a terminal")).code, 0);
      const exec = await proxied.audited(({ command }) => command === "true without a terminal");
      assert.equal(exec.code, "T3002I");
      const end = await proxied.audited(({ event, interactive }) => event === "session.end" && !interactive);
      const told = proxied.audit().filter(({ sid }) => sid === end.sid);
      assert.ok(told.some(({ event, user: by }) => event === "session.start" && by === "alice"));
      assert.equal(proxied.audit().filter(({ event }) => event === "session.upload").length, 1);
    } finally {
      agent.stop();
      sshd.stop();
      await proxied.remove();
    }
  });
});

describe("e2e: recordings switched off", function () {
  this.timeout(120_000);
  let daemon: Daemon;
  before(async function () {
    needProgram(this, "ssh");
    daemon = await startDaemon({ auth_service: { session_recording: "off" } });
    await addUser(daemon, "alice", LOGIN);
  });
  after(() => daemon?.remove());

  it("leave audit events of a session, and no recording", async () => {
    const { args, jump } = await sshClient(daemon, "alice", LOGIN);
    const { code } = await run("ssh", [...args, "-tt", "-J", jump, `${LOGIN}@node1.example.test`, "echo hi"]);
    assert.equal(code, 0);
    const { sid } = await daemon.audited(({ event }) => event === "session.end");
    const events = daemon.audit().filter((event) => event.sid === sid);
    for (const name of ["session.start", "session.data", "session.end"]) {
      assert.ok(
        events.some(({ event }) => event === name),
        name,
      );
    }
    assert.deepEqual(filesBelow(daemon.dataDir, new RegExp(`${String(sid)}.*(journal|gz|index|tar)$`)), []);
  });
});

function collected(child: ChildProcess): Promise<{ code: number | null; text: string }> {
  let text = "";
  child.stdout!.on("data", (chunk: Buffer) => (text += chunk.toString()));
  return new Promise((resolve) => child.once("close", (code) => resolve({ code, text })));
}

/** Files below a folder, by their paths in it; none where there is no folder. */
function filesBelow(folder: string, pattern = /./): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, encoding: "utf8" }).filter(
    (name) => pattern.test(name) && statSync(path.join(folder, name), { throwIfNoEntry: false })?.isFile(),
  );
}

/** Resolves when no file is left below a folder: auth clears up after it has told of an upload. */
async function untilEmpty(folder: string): Promise<void> {
  const deadline = Date.now() + FINISHED_WITHIN_MS;
  for (let left = filesBelow(folder); left.length > 0; left = filesBelow(folder)) {
    if (Date.now() > deadline) throw new Error(`these stay in ${folder}: ${left.join(", ")}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
