/** Sessions that several share where the proxy records them: on our node, and on a stock sshd that knows nothing of it. */
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { startAgent, type Agent } from "./kit/agent.js";
import { startDaemon, type Daemon } from "./kit/daemon.js";
import { needProgram, ours } from "./kit/programs.js";
import { startSshd, type StockSshd } from "./kit/sshd.js";
import { onTerminals } from "./kit/terminals.js";
import { Tsh } from "./kit/tsh.js";
import { addUser, sshClient, type SshClient } from "./kit/users.js";
import { LOGIN } from "./kit/ways.js";

/** A login that nobody's session has; the proxy refuses to join before any host hears of it. */
const OTHER_LOGIN = "somebody-else";

describe("e2e: joining a session at the recording proxy", function () {
  this.timeout(120_000);
  let daemon: Daemon;
  let sshd: StockSshd;
  let agent: Agent;
  let bob: Tsh;
  let dora: Tsh;
  const ssh = new Map<string, SshClient>();

  before(async function () {
    needProgram(this, "ssh", "sshd", "expect", "ssh-agent");
    daemon = await startDaemon({ auth_service: { session_recording: "proxy" } });
    for (const user of ["alice", "bob", "dora"]) await addUser(daemon, user, LOGIN);
    await addUser(daemon, "carol", OTHER_LOGIN);
    for (const user of ["alice", "bob"]) ssh.set(user, await clientOf(user, LOGIN));
    ssh.set("carol", await clientOf("carol", OTHER_LOGIN));
    agent = startAgent(path.join(ssh.get("alice")!.folder, "id"));
    sshd = await startSshd(daemon);
    bob = new Tsh(daemon, "bob");
    await bob.login("bob");
    dora = new Tsh(daemon, "dora");
    await dora.login("dora");
  });
  after(async () => {
    agent?.stop();
    sshd?.stop();
    await daemon?.remove();
  });

  async function clientOf(user: string, login: string): Promise<SshClient> {
    const client = await sshClient(daemon, user, login);
    // An address is no name of the cluster: this line vouches for any host.
    const trusted = path.join(client.folder, "known_hosts");
    const lines = readFileSync(trusted, "utf8").replace(/^@cert-authority \S+/gm, "@cert-authority *");
    writeFileSync(trusted, lines);
    return client;
  }

  /** Names a session by stock ssh; only alice has an agent for the proxy to log in with. */
  const byOpenSsh = (user: string, target: string, sid: string, rest = "", login = LOGIN): string => {
    const { args, jump } = ssh.get(user)!;
    const variables = `{-oSetEnv=SHLVL=5 TELEPORT_SESSION=${sid}}`;
    const agentFlag = user === "alice" ? "-A" : "-a";
    return ["spawn ssh", ...args, agentFlag, "-J", jump, variables, "-tt", "-l", login, target, rest].join(
      " ",
    );
  };
  const byTsh = (tsh: Tsh, ...args: string[]): string =>
    `spawn env TELEPORT_HOME=${tsh.home} SSH_AUTH_SOCK= ${ours("tsh")} join ${args.join(" ")}`;
  /** Alice's session, from when it is in the list of live ones. */
  const aliceStarts = (target: string, sid: string): string[] => [
    byOpenSsh("alice", target, sid, "exec sh"),
    "set a $spawn_id",
    "send -i $a \"echo fir''st\\r\"",
    "see $a first",
    `while {![string match *${sid}* [exec ${ours("tctl")} -c ${daemon.configFile} sessions ls]]} {}`,
  ];

  const targets: [what: string, target: () => string, shown: () => RegExp][] = [
    ["our node", () => "node1.example.test", () => /node1 /],
    ["stock sshd", () => `-p ${sshd.port} ${sshd.host}`, () => new RegExp(`${sshd.host}:${sshd.port} `)],
  ];
  for (const [what, target, shown] of targets) {
    it(`${what}: peers by tsh and by stock ssh type, an observer watches, and all is played back`, async () => {
      const sid = randomUUID();
      const { code, stdout } = await onTerminals(
        [
          ...aliceStarts(target(), sid),
          `puts [exec ${ours("tctl")} -c ${daemon.configFile} sessions ls]`,
          byTsh(bob, sid),
          "set b $spawn_id",
          "see $b first",
          'send -i $b "echo from-bob-\\$((40+2))\\r"',
          "see $a from-bob-42",
          byTsh(dora, "--mode=observer", sid),
          "set d $spawn_id",
          "see $d from-bob-42",
          'send -i $d "echo intruded\\r"',
          byOpenSsh("bob", target(), sid),
          "set c $spawn_id",
          "see $c from-bob-42",
          'send -i $c "echo from-ssh-\\$((40+3))\\r"',
          "foreach each [list $a $b $c $d] { see $each from-ssh-43 }",
          'send -i $a "exit\\r"',
          "foreach each [list $a $b $c $d] { gone $each }",
        ],
        agent.env,
      );
      assert.equal(code, 0, stdout);
      assert.match(stdout, shown());
      const end = await daemon.audited(({ event, sid: of }) => event === "session.end" && of === sid);
      assert.deepEqual(end.participants, ["alice", "bob", "dora"]);
      const events = daemon.audit().filter((event) => event.sid === sid);
      const users = (name: string): unknown[] =>
        events.filter(({ event }) => event === name).map(({ user }) => user);
      assert.deepEqual(users("session.start"), ["alice"]);
      assert.deepEqual(users("session.join"), ["bob", "dora", "bob"]);
      assert.equal(users("session.leave").length, 4);
      await daemon.audited(({ event, sid: of }) => event === "session.upload" && of === sid);
      const played = await bob.run(["play", sid]);
      assert.equal(played.code, 0, played.stderr);
      assert.match(played.stdout, /from-bob-42[^]*from-ssh-43/);
      assert.doesNotMatch(played.stdout, /intruded/);
    });

    it(`${what}: goes on without the one who started it, and ends by tctl for good`, async () => {
      const sid = randomUUID();
      const { code, stdout } = await onTerminals(
        [
          ...aliceStarts(target(), sid),
          byTsh(bob, sid),
          "set b $spawn_id",
          "see $b first",
          "exec kill -9 [exp_pid -i $a]",
          'send -i $b "echo still-\\$((40+2))\\r"',
          "see $b still-42",
          `exec ${ours("tctl")} -c ${daemon.configFile} sessions terminate ${sid}`,
          "see $b {lock}",
          "gone $b",
          byTsh(bob, sid),
          "see $spawn_id {not found or it has ended}",
        ],
        agent.env,
      );
      assert.equal(code, 0, stdout);
      const end = await daemon.audited(({ event, sid: of }) => event === "session.end" && of === sid);
      assert.deepEqual(end.participants, ["alice", "bob"]);
    });
  }

  it("refuses another login, and the way by another target", async () => {
    const sid = randomUUID();
    const [[, node], [, stock]] = targets as [(typeof targets)[0], (typeof targets)[0]];
    const { code, stdout } = await onTerminals(
      [
        ...aliceStarts(stock(), sid),
        byOpenSsh("carol", stock(), sid, "", OTHER_LOGIN),
        `see $spawn_id {can't switch users from ${LOGIN} to ${OTHER_LOGIN}}`,
        "gone $spawn_id",
        // No session of that target has the id, so this would be a new one, which takes an agent.
        byOpenSsh("bob", node(), sid),
        "see $spawn_id {user agent required}",
        "gone $spawn_id",
        'send -i $a "exit\\r"',
        "gone $a",
      ],
      agent.env,
    );
    assert.equal(code, 0, stdout);
    const end = await daemon.audited(({ event, sid: of }) => event === "session.end" && of === sid);
    assert.deepEqual(end.participants, ["alice"]);
  });

  it("comes back to one whose connection was lost", async () => {
    const sid = randomUUID();
    const { code, stdout } = await onTerminals(
      [
        ...aliceStarts(targets[1]![1](), sid),
        "send -i $a \"here=before; echo se''t\\r\"",
        "see $a set",
        "exec kill -9 [exp_pid -i $a]",
        byOpenSsh("alice", targets[1]![1](), sid),
        "set b $spawn_id",
        "see $b first",
        'send -i $b "echo still-\\$here; exit\\r"',
        "see $b still-before",
        "gone $b",
      ],
      agent.env,
    );
    assert.equal(code, 0, stdout);
  });
});
