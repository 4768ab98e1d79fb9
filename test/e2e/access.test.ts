/** `tctl access`, and whether a stock client fares as it says. */
import assert from "node:assert/strict";
import type { Role } from "../../core/resources/role.js";
import { withAdmin } from "./kit/admin.js";
import { startDaemon, type Daemon } from "./kit/daemon.js";
import { needProgram, run } from "./kit/programs.js";
import { addUser, sshClient, type SshClient } from "./kit/users.js";

const LOGIN = process.env.USER ?? "root";
const NODE = "node1.example.test";

describe("e2e: access", function () {
  this.timeout(120_000);
  let daemon: Daemon;
  let client: SshClient;

  before(async function () {
    needProgram(this, "ssh");
    daemon = await startDaemon();
    await addUser(daemon, "alice", LOGIN);
    client = await sshClient(daemon, "alice", LOGIN);
  });
  after(() => daemon?.remove());

  const explain = () => daemon.runTctl(["access", "explain", "alice", `${LOGIN}@node1`]);
  /** Explains and tries at once; both have to come to the same. */
  const agreed = async (): Promise<{ answer: string; stdout: string }> => {
    const { code, stdout } = await explain();
    const attempt = await run("ssh", [...client.args, "-J", client.jump, `${LOGIN}@${NODE}`, "true"]);
    assert.equal(code, attempt.code === 0 ? 0 : 1, `${stdout}${attempt.stderr}`);
    return { answer: stdout.split(" ", 1)[0] ?? "", stdout };
  };
  const putRole = (name: string, spec: Role["spec"]): Promise<void> =>
    withAdmin(daemon, (api) => api.upsertRole({ kind: "role", version: "v3", metadata: { name }, spec }));
  const giveRoles = (...roles: string[]): Promise<void> =>
    withAdmin(daemon, async (api) => {
      const alice = await api.getUser("alice");
      await api.upsertUser({ ...alice, spec: { ...alice.spec, roles } });
    });
  /** The node learns of changes a moment later than tctl. */
  const untilAgreed = async (answer: string): Promise<string> => {
    for (const deadline = Date.now() + 10_000; ;) {
      try {
        const said = await agreed();
        assert.equal(said.answer, answer);
        return said.stdout;
      } catch (error) {
        if (Date.now() > deadline) throw error;
      }
    }
  };

  it("explains what a stock client meets, before and after the change that it asks for", async () => {
    assert.match(await untilAgreed("ALLOW"), /decided by: role admin allows/);
    await putRole("visitor", {
      options: {},
      allow: { logins: ["visitor"], node_labels: { env: "dev" } },
      deny: {},
    });
    await giveRoles("visitor");
    assert.match(await untilAgreed("DENY"), /role visitor: add "\w+" to allow\.logins \(visitor\)/);
    await giveRoles("admin");
    assert.match(await untilAgreed("ALLOW"), /role admin/);
  });

  it("explains a lock as the node applies it", async () => {
    const lock = {
      kind: "lock" as const,
      version: "v2",
      metadata: { name: "l1" },
      spec: { target: { user: "alice" }, message: "stolen laptop" },
    };
    await withAdmin(daemon, (api) => api.upsertLock(lock));
    const stdout = await untilAgreed("DENY");
    assert.match(stdout, /decided by: lock targeting User:"alice" is in force: stolen laptop/);
    assert.match(stdout, /tctl rm lock\/l1/);
    await withAdmin(daemon, (api) => api.deleteLock("l1"));
    await untilAgreed("ALLOW");
  });

  it("lists who may log in where", async () => {
    const rows = JSON.parse(await daemon.tctl("access", "ls", "--user=alice", "--format=json")) as {
      node: { hostname: string };
      logins: string[];
    }[];
    assert.deepEqual(
      rows.map(({ node, logins }) => [node.hostname, logins]),
      [["node1", [LOGIN]]],
    );
    assert.match(
      await daemon.tctl("access", "ls", "--node=node1"),
      new RegExp(`^alice node1 .* ${LOGIN} *$`, "m"),
    );
  });

  it("fails in one line where user or node are unknown", async () => {
    for (const [user, target] of [
      ["nobody", "root@node1"],
      ["alice", "root@nowhere"],
    ] as const) {
      const { code, stdout, stderr } = await daemon.runTctl(["access", "explain", user, target]);
      assert.equal(code, 1);
      assert.equal(stdout, "");
      assert.match(stderr, /^error: (user nobody|node nowhere) is not found: see tctl \w+ ls\n$/);
    }
  });
});
