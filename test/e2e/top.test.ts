/** `tctl top`, on a terminal and elsewhere. */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import path from "node:path";
import { startDaemon, type Daemon } from "./kit/daemon.js";
import { freePorts } from "./kit/ports.js";
import { needProgram, ours, run, succeed } from "./kit/programs.js";
import { addUser, sshClient } from "./kit/users.js";

const LOGIN = process.env.USER ?? "root";

describe("e2e: tctl top", function () {
  this.timeout(120_000);
  let daemon: Daemon;
  before(async () => {
    daemon = await startDaemon();
  });
  after(() => daemon?.remove());

  const top = (...args: string[]): Promise<string> =>
    succeed(ours("tctl"), ["top", `127.0.0.1:${daemon.ports.diag}`, ...args]);

  it("prints one report where there is no terminal", async () => {
    const report = await top();
    assert.match(report, /^Report Generated at \d{4}-\S+ .* for host \S+\.$/m);
    assert.match(report, /^Interactive Sessions +0 *$/m);
    assert.match(report, /^Cert Gen Requests\/sec +- *$/m);
    assert.match(report, /^Cluster example\.test +connected *$/m);
    assert.match(report, /^Open File Descriptors +\d+ *$/m);
  });

  it("shows sessions with a terminal and signed certificates", async function () {
    needProgram(this, "ssh");
    await addUser(daemon, "alice", LOGIN);
    const client = await sshClient(daemon, "alice", LOGIN);
    const inside = (flag: string) =>
      run("ssh", [
        ...[flag, ...client.args, "-J", client.jump, `${LOGIN}@node1.example.test`],
        `${ours("tctl")} top 127.0.0.1:${daemon.ports.diag} < /dev/null`,
      ]);
    assert.match((await inside("-tt")).stdout, /^Interactive Sessions +1\s*$/m);
    assert.match((await inside("-T")).stdout, /^Interactive Sessions +0\s*$/m);
    assert.match(await top(), /^Percentile Latency *\n/m);
  });

  it("is a screen with pages that keys turn, until q", async function () {
    needProgram(this, "expect");
    const script = path.join(daemon.folder, "top.exp");
    writeFileSync(
      script,
      [
        "set timeout 30",
        "set stty_init {rows 50 columns 100}",
        `spawn ${ours("tctl")} top 127.0.0.1:${daemon.ports.diag} 100ms`,
        'expect "Press <q>"',
        "expect -re {Cert Gen Requests/sec +\\d}",
        'send "2"',
        'expect "Top backend requests"',
        'send "3"',
        'expect "Top cache requests"',
        'send "1"',
        'expect "Cluster Stats"',
        'send "q"',
        "expect eof",
        "exit [lindex [wait] 3]",
      ].join("\n"),
    );
    const { code, stdout } = await run("expect", [script]);
    assert.equal(code, 0, stdout);
    assert.ok(stdout.trimEnd().endsWith("\u001b[?1049l"), "the terminal is as it was");
  });

  it("says in one line how to make a daemon answer, and what else is wrong", async () => {
    const [port] = (await freePorts(1)) as [number];
    const refused = await run(ours("tctl"), ["top", `http://127.0.0.1:${port}`]);
    assert.equal(refused.code, 1);
    assert.match(
      refused.stderr,
      new RegExp(
        `^error: cannot read metrics from http://127.0.0.1:${port} \\(.*\\); start teleport with --diag-addr=127.0.0.1:${port}\\n$`,
      ),
    );
    const short = await run(ours("tctl"), ["top", "127.0.0.1:1", "1ms"]);
    assert.match(short.stderr, /^error: the refresh time 1ms is too short; give 100ms or more\n$/);
  });
});
