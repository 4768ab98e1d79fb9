import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { unavailable } from "../../../core/errors/error.js";
import { type Event } from "../node/fake-auth.js";
import { LOGIN, NodeFixture } from "../node/node-fixture.js";
import { needPrograms, run } from "../node/stock-programs.js";

describe("session, by stock ssh", function () {
  this.timeout(60_000);
  let node: NodeFixture;
  before(async function () {
    needPrograms(this, "ssh", "ssh-keygen");
    node = await new NodeFixture().start();
  });
  after(() => node?.close());
  beforeEach(() => {
    node.auth.events.length = 0;
    node.auth.auditError = undefined;
  });

  const sha256 = (data: Buffer): string => createHash("sha256").update(data).digest("hex");
  const ended = (): Promise<Event> => node.auth.waitFor(({ event }) => event === "session.end");
  const names = (): string[] => node.auth.events.map(({ event }) => event);

  describe("without a terminal", () => {
    it("passes output, errors and exit code on", async () => {
      const result = await node.ssh(["echo out; echo err >&2; exit 42"]);
      assert.deepEqual(
        { ...result, stdout: String(result.stdout) },
        { code: 42, stdout: "out\n", stderr: "err\n" },
      );
    });

    it("tells a death by signal", async () => {
      assert.equal((await node.ssh(["kill -SEGV $$"])).code, 255);
      await ended();
      const exec = node.auth.events.find(({ event }) => event === "exec");
      assert.equal(exec?.["exitCode"], "139");
      assert.equal(exec?.["exitError"], "signal: SIGSEGV");
    });

    it("is clean for all bytes, both ways, in bulk", async () => {
      const data = Buffer.concat([
        Buffer.from(Array.from({ length: 256 }, (_, i) => i)),
        randomBytes(20 << 20),
      ]);
      const result = await node.ssh(["cat"], { input: data });
      assert.equal(result.code, 0);
      assert.equal(sha256(result.stdout), sha256(data));
    });

    it("lets the client end its input first", async () => {
      const result = await node.ssh(["sort; echo end"], { input: "b\na\n" });
      assert.equal(String(result.stdout), "a\nb\nend\n");
    });

    it("runs a login shell that reads commands", async () => {
      const result = await node.ssh(["-T", "--"], { input: "echo $0\nexit 3\n" });
      assert.equal(result.code, 3);
      assert.match(String(result.stdout), /^-\w+$/m);
    });

    it("takes variables, except those that name the session", async () => {
      const set = ["-o", "SetEnv=A_B=x LANG=C SSH_TELEPORT_USER=mallory LD_PRELOAD=/x.so"];
      const result = await node.ssh([
        ...set,
        "--",
        "echo $A_B $LANG $SSH_TELEPORT_USER $LD_PRELOAD $SSH_TTY.",
      ]);
      assert.equal(String(result.stdout), "x C alice /x.so .\n");
    });

    it("is on record from before its start to its end", async () => {
      await node.ssh(["true"]);
      const end = await ended();
      assert.deepEqual(names(), ["session.start", "exec", "session.data", "session.end"]);
      const [start, exec, data] = node.auth.events;
      assert.equal(start?.["code"], "T2000I");
      assert.equal(start?.["user"], "alice");
      assert.equal(start?.["login"], LOGIN);
      assert.deepEqual(start?.["server_labels"], { env: "test" });
      assert.equal(start?.["size"], undefined);
      assert.equal(exec?.["code"], "T3002I");
      assert.equal(exec?.["command"], "true");
      assert.equal(exec?.["exitCode"], "0");
      assert.equal(data?.["tx"], 0);
      assert.equal(end["sid"], start?.["sid"]);
      assert.equal(end["interactive"], false);
      assert.equal(end["ei"], 1);
    });

    it("starts nothing that cannot be audited", async () => {
      node.auth.auditError = unavailable("the disk is full");
      const file = join(node.directory, "must-not-exist");
      const result = await node.ssh([`touch ${file}`]);
      assert.equal(result.code, 255);
      assert.match(result.stderr, /this session cannot be audited; the node's log says why/);
      assert.ok(node.logLines.some((line) => line.includes("the disk is full")));
      assert.throws(() => readFileSync(file), /ENOENT/);
    });

    it("tells a command before it runs", async () => {
      await node.ssh(["true marked"]);
      const start = await node.auth.waitFor(({ event, initial_command: command }) => {
        return event === "session.start" && Array.isArray(command) && command[0] === "true marked";
      });
      assert.equal(start["code"], "T2000I");
    });

    it("takes commands as long as the client's own system can pass to ssh", async () => {
      const long = await node.ssh([`: ${"x".repeat(120_000)}; echo ran`]);
      assert.equal(String(long.stdout), "ran\n");
    });

    it("kills the program when the client goes", async () => {
      const pid = join(node.directory, "pid");
      const client = spawn("ssh", [
        ...node.clientOptions(),
        ...["-p", String(node.port), "-l", LOGIN, "127.0.0.1"],
        `trap '' PIPE; echo $$ > ${pid}; echo ready; sleep 600`,
      ]);
      await once(client.stdout, "data");
      client.kill("SIGKILL");
      await ended();
      assert.throws(() => process.kill(Number(readFileSync(pid, "utf8")), 0), /ESRCH/);
      const exec = node.auth.events.find(({ event }) => event === "exec");
      assert.equal(exec?.["exitError"], "signal: SIGHUP");
    });
  });

  describe("with a terminal", () => {
    it("is recorded, shown as live, and on record", async () => {
      const result = await node.ssh(["-tt", "--", "tty; echo $TERM $SSH_SESSION_ID; sleep 0.1; exit 9"]);
      assert.equal(result.code, 9);
      const end = await ended();
      const sid = String(end["sid"]);
      assert.match(String(result.stdout), new RegExp(`^/dev/pts/\\d+\r\n\\S+ ${sid}\r\n$`));
      assert.deepEqual(
        names().filter((name) => name !== "resize"),
        [...["session.start", "exec", "session.data", "session.leave", "session.end"]],
      );
      assert.match(String(node.auth.events[0]?.["size"]), /^\d+:\d+$/);
      assert.deepEqual(end["participants"], ["alice"]);
      assert.equal(end["interactive"], true);
    });

    it("uses the id that the client chose, once at a time", async () => {
      const id = "0c490820-9ee2-4bcc-83c4-e4e4f4a52d25";
      const set = ["-tt", "-o", `SetEnv=TELEPORT_SESSION=${id}`, "--"];
      const first = spawn("ssh", [
        ...node.clientOptions(),
        ...["-p", String(node.port), "-l", LOGIN, "127.0.0.1", ...set.slice(0, -1)],
        "echo $$; exec sleep 600",
      ]);
      const [pid] = (await once(first.stdout, "data")) as [Buffer];
      assert.equal(node.auth.live.get(id)?.login, LOGIN);
      const second = await node.ssh([...set, "echo joined"]);
      assert.equal(second.code, 255);
      assert.match(second.stderr + String(second.stdout), /is running already/);
      process.kill(Number(String(pid)));
      assert.equal((await ended())["sid"], id);
    });

    it("refuses an id that is no UUID", async () => {
      const result = await node.ssh(["-tt", "-o", "SetEnv=TELEPORT_SESSION=../../x", "--", "echo hi"]);
      assert.equal(result.code, 255);
      assert.match(result.stderr + String(result.stdout), /invalid session id/);
    });

    it("ends though a background job keeps the terminal", async () => {
      const result = await node.ssh(["-tt", "--", "trap '' HUP; sleep 600 & echo $!; exit 0"]);
      assert.equal(result.code, 0);
      process.kill(Number(String(result.stdout).trim()), "SIGKILL");
    });

    it("passes terminal modes and the window size on", async function () {
      needPrograms(this, "script");
      const options = [...node.clientOptions(), "-p", String(node.port), "-l", LOGIN, "-t", "127.0.0.1"];
      const ssh = ["ssh", ...options, "'stty -a'"].join(" ");
      const command = `stty intr ^X -ixon cols 111 rows 33; ${ssh}`;
      const result = await run("script", ["-qec", command, "/dev/null"], "", {
        ...process.env,
        TERM: "xterm",
      });
      assert.match(String(result.stdout), /rows 33; columns 111;/);
      assert.match(String(result.stdout), /intr = \^X;/);
      assert.match(String(result.stdout), /-ixon/);
    });

    it("does not start where it cannot be recorded", async () => {
      const blocked = await new NodeFixture().start();
      try {
        mkdirSync(join(blocked.directory, "data", "log", "upload"), { recursive: true });
        writeFileSync(join(blocked.directory, "data", "log", "upload", "sessions"), "in the way");
        const result = await blocked.ssh(["-tt", "--", "echo hi"]);
        assert.equal(result.code, 255);
        assert.match(result.stderr + String(result.stdout), /this session cannot be recorded/);
        assert.deepEqual(blocked.auth.events, []);
      } finally {
        await blocked.close();
      }
    });

    it("ends, saying why, when the disk is full", async function () {
      const full = await new NodeFixture().start();
      const directory = join(full.directory, "data", "log", "upload");
      mkdirSync(directory, { recursive: true });
      const mounted = spawnSync("mount", ["-t", "tmpfs", "-o", "size=64k", "tmpfs", directory]);
      try {
        if (mounted.status !== 0) {
          console.log("      skipped: mounting a tmpfs takes root");
          return this.skip();
        }
        const result = await full.ssh(["-tt", "--", "head -c 1000000 /dev/zero; sleep 600"]);
        assert.match(
          String(result.stdout),
          /This session ends: its audit or recording cannot be written; the node's log says why\r\n$/,
        );
        const failures = full.logLines.filter((line) => line.includes("could not be audited or recorded"));
        assert.equal(failures.length, 1);
        assert.match(failures[0] ?? "", /no space left/i);
        assert.ok(result.stdout.length < 200_000, "what is not recorded is not shown");
        await full.auth.waitFor(({ event }) => event === "session.end");
      } finally {
        if (mounted.status === 0) spawnSync("umount", ["-l", directory]);
        await full.close();
      }
    });

    it("is uploaded when the node closes", async () => {
      const other = await new NodeFixture().start();
      await other.ssh(["-tt", "--", "echo recorded words"]);
      const { sid } = await other.auth.waitFor(({ event }) => event === "session.end");
      await other.close();
      const archive = other.auth.recordings.get(String(sid));
      assert.ok(archive !== undefined);
      assert.ok(archive.includes(`${String(sid)}.index`));
      assert.ok(archive.includes(`${String(sid)}-0.chunks.gz`));
      assert.equal(other.auth.live.size, 0);
    });

    it("is not recorded where the cluster does not want it", async () => {
      const off = await new NodeFixture({ config: { session_recording: "off" } }).start();
      await off.ssh(["-tt", "--", "echo hi"]);
      await off.auth.waitFor(({ event }) => event === "session.end");
      await off.close();
      assert.equal(off.auth.recordings.size, 0);
    });
  });
});
