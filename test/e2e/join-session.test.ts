/** Sessions that several share, with stock ssh clients on terminals. */
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { startDaemon, type Daemon } from "./kit/daemon.js";
import { needProgram } from "./kit/programs.js";
import { onTerminals } from "./kit/terminals.js";
import { addUser, sshClient, type SshClient } from "./kit/users.js";

const LOGIN = process.env.USER ?? "root";

describe("e2e: joining a session", function () {
  this.timeout(120_000);
  let daemon: Daemon;
  let alice: SshClient;
  let bob: SshClient;
  before(async function () {
    needProgram(this, "ssh", "expect");
    daemon = await startDaemon();
    await addUser(daemon, "alice", LOGIN);
    await addUser(daemon, "bob", LOGIN);
    alice = await sshClient(daemon, "alice", LOGIN);
    bob = await sshClient(daemon, "bob", LOGIN);
  });
  after(() => daemon?.remove());

  const command = ({ args, jump }: SshClient, sid: string, rest: string, mode = ""): string =>
    [
      ...["ssh", ...args, "-J", jump],
      // With this level, bash leaves out the start files of its user.
      `{-oSetEnv=SHLVL=5 TELEPORT_SESSION=${sid}${mode && ` TELEPORT_SESSION_JOIN_MODE=${mode}`}}`,
      ...["-tt", `${LOGIN}@node1.example.test`, rest],
    ].join(" ");

  it("is shared: both type, both see, and the audit names both", async () => {
    const sid = randomUUID();
    const { code, stdout } = await onTerminals([
      `spawn ${command(alice, sid, "exec sh")}`,
      "set a $spawn_id",
      "send -i $a \"echo fir''st\\r\"",
      "see $a first",
      `spawn ${command(bob, sid, "")}`,
      "set b $spawn_id",
      "see $b first",
      'send -i $b "echo from-\\$((40+2))\\r"',
      "see $a from-42",
      "see $b from-42",
      'send -i $a "exit\\r"',
      "gone $a",
      "gone $b",
    ]);
    assert.equal(code, 0, stdout);
    const end = await daemon.audited((event) => event.event === "session.end" && event.sid === sid);
    assert.deepEqual(end.participants, ["alice", "bob"]);
    const events = daemon.audit().filter((event) => event.sid === sid);
    assert.equal(events.filter(({ event }) => event === "session.start").length, 1);
    assert.deepEqual(
      events.filter(({ event }) => event === "session.join").map(({ user }) => user),
      ["bob"],
    );
    assert.equal(events.filter(({ event }) => event === "session.leave").length, 2);
  });

  it("is watched by an observer, who types nothing and leaves by Ctrl-C", async () => {
    const sid = randomUUID();
    const { code, stdout } = await onTerminals([
      `spawn ${command(alice, sid, "exec sh")}`,
      "set a $spawn_id",
      "send -i $a \"echo fir''st\\r\"",
      "see $a first",
      `spawn ${command(bob, sid, "", "observer")}`,
      "set b $spawn_id",
      "see $b first",
      'send -i $b "echo intruded\\r"',
      'send -i $b "\\003"',
      "gone $b",
      "send -i $a \"echo al''one; exit\\r\"",
      "expect -i $a -re intruded {exit 96} -re alone {}",
      "gone $a",
    ]);
    assert.equal(code, 0, stdout);
  });

  it("comes back to one whose connection was lost", async () => {
    const sid = randomUUID();
    const { code, stdout } = await onTerminals([
      `spawn ${command(alice, sid, "exec sh")}`,
      "set a $spawn_id",
      "send -i $a \"here=before; echo fir''st\\r\"",
      "see $a first",
      "exec kill -9 [exp_pid -i $a]",
      `spawn ${command(alice, sid, "")}`,
      "set b $spawn_id",
      "see $b first",
      'send -i $b "echo still-\\$here; exit\\r"',
      "see $b still-before",
      "gone $b",
    ]);
    assert.equal(code, 0, stdout);
  });

  it("refuses to join what does not run", async () => {
    const { code, stdout } = await onTerminals([
      `spawn ${command(bob, randomUUID(), "", "peer")}`,
      "see $spawn_id {not found or it has ended}",
      "gone $spawn_id",
    ]);
    assert.equal(code, 0, stdout);
  });
});
