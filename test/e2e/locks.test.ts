/** Locks, deleted users and the preset roles, as users and stock clients meet them. */
import assert from "node:assert/strict";
import path from "node:path";
import { withAdmin } from "./kit/admin.js";
import { startDaemon, type Daemon } from "./kit/daemon.js";
import { needProgram, ours, run, type Outcome } from "./kit/programs.js";
import { addUser, PASSWORD, sshClient, type SshClient } from "./kit/users.js";

const LOGIN = process.env.USER ?? "root";

describe("e2e: locks", function () {
  this.timeout(120_000);
  let daemon: Daemon;

  before(async function () {
    needProgram(this, "ssh");
    daemon = await startDaemon({ auth_service: { authentication: { second_factor: "off" } } });
    await addUser(daemon, "alice", LOGIN);
  });
  after(() => daemon?.remove());

  const tsh = (user: string, args: readonly string[], input = ""): Promise<Outcome> =>
    run(ours("tsh"), args, {
      input,
      env: { TELEPORT_HOME: path.join(daemon.folder, `tsh-${user}`), SSH_AUTH_SOCK: "" },
    });
  const login = (user: string): Promise<Outcome> =>
    tsh(
      user,
      ["login", `--proxy=127.0.0.1:${daemon.ports.web}`, `--user=${user}`, "--insecure"],
      `${PASSWORD}\n`,
    );
  const ssh = ({ args, jump }: SshClient): Promise<Outcome> =>
    run("ssh", [...args, "-J", jump, `${LOGIN}@node1.example.test`, "echo", "in"]);
  /** Nodes and proxies learn of a change a moment later than the auth server. */
  const until = async (attempt: () => Promise<Outcome>, code: number): Promise<Outcome> => {
    for (const deadline = Date.now() + 10_000; ;) {
      const outcome = await attempt();
      if (outcome.code === code) return outcome;
      assert.ok(Date.now() < deadline, `${outcome.code}: ${outcome.stdout}${outcome.stderr}`);
    }
  };

  it("refuse a login and a command with the administrator's message, until they are removed", async () => {
    assert.equal((await login("alice")).code, 0);
    await withAdmin(daemon, (api) =>
      api.createLock({
        kind: "lock",
        version: "v2",
        metadata: { name: "incident" },
        spec: { target: { user: "alice" }, message: "Call the desk." },
      }),
    );
    const refused = await login("alice");
    assert.equal(refused.code, 1);
    assert.match(refused.stderr, /lock targeting User:"alice" is in force: Call the desk\./);
    const listed = await tsh("alice", ["ls"]);
    assert.equal(listed.code, 1);
    assert.match(listed.stderr, /lock targeting User:"alice" is in force: Call the desk\./);
    await assert.rejects(sshClient(daemon, "alice", LOGIN, "2h"), /Call the desk/);
    await withAdmin(daemon, (api) => api.deleteLock("incident"));
    assert.equal((await login("alice")).code, 0);
  });

  it("keep the certificates of a deleted user out, and let the next of the name in at once", async () => {
    await addUser(daemon, "bob", LOGIN);
    const first = await sshClient(daemon, "bob", LOGIN);
    assert.equal((await until(() => ssh(first), 0)).stdout, "in\n");
    assert.equal((await login("bob")).code, 0);

    await daemon.tctl("users", "rm", "bob");
    await until(() => ssh(first), 255);
    assert.match((await tsh("bob", ["ls"])).stderr, /user "bob" was deleted/);

    await addUser(daemon, "bob", LOGIN);
    const second = await sshClient(daemon, "bob", LOGIN, "3h");
    assert.equal((await until(() => ssh(second), 0)).stdout, "in\n");
    assert.match((await tsh("bob", ["ls"])).stderr, /user "bob" was deleted/);
    assert.equal((await login("bob")).code, 0);
    assert.equal((await tsh("bob", ["ls"])).code, 0);
  });

  it("of nobody: an auditor without logins logs in, reads the audit log and enters no node", async () => {
    await addUser(daemon, "carol", LOGIN);
    await withAdmin(daemon, async (api) => {
      const carol = await api.getUser("carol");
      await api.upsertUser({ ...carol, spec: { ...carol.spec, roles: ["auditor"] } });
    });
    const loggedIn = await login("carol");
    assert.equal(loggedIn.code, 0, loggedIn.stderr);
    const missing = await tsh("carol", ["play", "0c490820-9ee2-4bcc-83c4-e4e4f4a52d25"]);
    assert.match(missing.stderr, /not found/);
    const entered = await tsh("carol", ["ssh", `${LOGIN}@node1`, "true"]);
    assert.notEqual(entered.code, 0);
  });
});
