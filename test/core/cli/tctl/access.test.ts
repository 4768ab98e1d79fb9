import assert from "node:assert/strict";
import { explainAccess } from "../../../../core/cli/tctl/access-explain.js";
import { listAccess } from "../../../../core/cli/tctl/access-ls.js";
import { ExitWith } from "../../../../core/cli/program.js";
import type { Lock } from "../../../../core/resources/lock.js";
import { user } from "../../access/sample-connections.js";
import { role } from "../../access/sample-roles.js";
import { desk, server } from "./tctl-fixture.js";

const ID1 = "11111111-2222-4333-8444-555555555555";
const ID2 = "22222222-2222-4333-8444-555555555555";
const ID3 = "33333333-2222-4333-8444-555555555555";

function world(locks: Lock[] = []) {
  const nodes = [
    server("node", ID1, { hostname: "db1" }),
    server("node", ID2, { hostname: "twin" }),
    server("node", ID3, { hostname: "twin" }),
  ];
  nodes[0]!.metadata.labels = { env: "dev" };
  const alice = user("alice", ["dev"], { logins: ["alice", "root"] });
  const guest = { ...user("guest", ["dev"], { logins: ["guest"] }) };
  guest.metadata = { name: "guest", expires: "2026-11-23T00:00:00Z" };
  return desk({
    getNodes: async () => nodes,
    getUsers: async () => [alice, guest, user("bob", ["gone"]), user("carol", [])],
    getRoles: async () => [
      role("dev", { allow: { logins: ["{{internal.logins}}"], node_labels: { env: "dev" } } }),
    ],
    getLocks: async () => locks,
  });
}

const text = { format: "text" };
const lockedUntil = (expires: string): Lock => ({
  kind: "lock",
  version: "v2",
  metadata: { name: "l1" },
  spec: { target: { user: "alice" }, expires },
});
const denial = (error: unknown): boolean =>
  error instanceof ExitWith && error.exitCode === 1 && !error.message;

describe("tctl access explain", () => {
  it("says which role allows a login", async () => {
    const here = world();
    await explainAccess(here, "alice", "root@db1", text);
    assert.equal(
      here.output(),
      `ALLOW alice as root at db1 (${ID1})\n` +
        `decided by: role dev allows the login "root" together with the server's labels\n`,
    );
  });

  it("says why not and what would have to change, with exit code 1", async () => {
    const here = world();
    await assert.rejects(explainAccess(here, "alice", `daemon@${ID2}`, text), denial);
    assert.deepEqual(here.output().split("\n"), [
      `DENY alice as daemon at twin (${ID2})`,
      `decided by: access to server denied: no role allows the login "daemon" together with the server's labels`,
      "to change that:",
      '  - role dev: add "daemon" to allow.logins (alice, root), and label env is missing on the server for allow.node_labels env: dev',
      "",
    ]);
  });

  it("answers for another moment", async () => {
    const here = world([lockedUntil("2026-11-22T13:00:00Z")]);
    await assert.rejects(explainAccess(here, "alice", "root@db1", text), denial);
    assert.match(here.output(), /^DENY .*\ndecided by: lock targeting User:"alice" is in force\n/);
    await explainAccess(here, "alice", "root@db1", { ...text, at: "2026-11-22T13:00:00Z" });
    await explainAccess(here, "guest", "guest@db1", text);
    await assert.rejects(explainAccess(here, "guest", "guest@db1", { ...text, at: "2026-11-24T00:00:00Z" }), {
      code: "not_found",
    });
  });

  it("prints JSON", async () => {
    const here = world([lockedUntil("2026-11-22T13:00:00Z")]);
    await assert.rejects(explainAccess(here, "alice", "root@db1", { format: "json" }), denial);
    assert.deepEqual(JSON.parse(here.output()), {
      user: "alice",
      login: "root",
      node: { id: ID1, hostname: "db1" },
      at: "2026-11-22T12:00:00.000Z",
      allowed: false,
      obstacles: [
        {
          by: "lock",
          reason: 'lock targeting User:"alice" is in force',
          changes: [
            {
              change: "remove lock",
              lock: "l1",
              expires: "2026-11-22T13:00:00Z",
              text: "remove the lock: tctl rm lock/l1; it ends at 2026-11-22T13:00:00Z",
            },
          ],
        },
      ],
    });
  });

  it("refuses what it cannot answer", async () => {
    const ask = (who: string, target: string, flags = {}): Promise<void> =>
      explainAccess(world(), who, target, { ...text, ...flags });
    await assert.rejects(ask("nobody", "root@db1"), {
      code: "not_found",
      message: /user nobody is not found/,
    });
    await assert.rejects(ask("alice", "root@db9"), { code: "not_found", message: /node db9 is not found/ });
    await assert.rejects(ask("alice", "root@twin"), { message: new RegExp(`several nodes.*${ID2}, ${ID3}`) });
    await assert.rejects(ask("alice", "db1"), { message: /db1 is no target: use LOGIN@NODE/ });
    await assert.rejects(ask("alice", "root@db1", { at: "tomorrow" }), { message: /RFC 3339/ });
    await assert.rejects(ask("alice", "root@db1", { format: "yaml" }), { message: /unsupported format/ });
  });
});

describe("tctl access ls", () => {
  it("lists where a user may log in, and who may at a node", async () => {
    for (const flags of [{ user: "alice" }, { node: "db1" }]) {
      const here = world();
      await listAccess(here, { ...text, ...flags });
      const rows = here.output().trimEnd().split("\n").slice(2);
      const all = [`alice db1      ${ID1} alice,root`, `guest db1      ${ID1} guest`];
      assert.deepEqual(rows, "user" in flags ? all.slice(0, 1) : all);
    }
  });

  it("prints JSON, an empty list where nobody may log in", async () => {
    const here = world([lockedUntil("2026-11-22T13:00:00Z")]);
    await listAccess(here, { format: "json", user: "alice" });
    assert.deepEqual(JSON.parse(here.output()), []);
    const other = world();
    await listAccess(other, { format: "json", node: ID1, user: "guest" });
    assert.deepEqual(JSON.parse(other.output()), [
      { user: "guest", node: { id: ID1, hostname: "db1" }, logins: ["guest"] },
    ]);
  });

  it("wants to know of whom or of what", async () => {
    await assert.rejects(listAccess(world(), text), { code: "bad_parameter" });
  });
});
