import assert from "node:assert/strict";
import type { AuthApi } from "../../../../core/auth/client/api.js";
import { addUser } from "../../../../core/cli/tctl/users-add.js";
import { listUsers } from "../../../../core/cli/tctl/users-ls.js";
import { removeUsers } from "../../../../core/cli/tctl/users-rm.js";
import { notFound } from "../../../../core/errors/error.js";
import { ZERO_TIME } from "../../../../core/resources/envelope.js";
import type { User } from "../../../../core/resources/user.js";
import { desk, server } from "./tctl-fixture.js";

const TOKEN = "0123456789abcdef0123456789abcdef";
const flags = { ttl: "1h", format: "text" };

function inviting(proxies: ReturnType<typeof server>[]) {
  const invites: Parameters<AuthApi["createSignupToken"]>[] = [];
  const world = desk({
    createSignupToken: async (...args) => {
      invites.push(args);
      return TOKEN;
    },
    getProxies: async () => proxies,
  });
  return { world, invites };
}

const user = (name: string, logins: string[] | null): User => ({
  kind: "user",
  version: "v2",
  metadata: { name },
  spec: {
    roles: ["admin"],
    traits: { logins },
    status: { is_locked: false, locked_time: ZERO_TIME, lock_expires: ZERO_TIME },
    expires: ZERO_TIME,
    created_by: { time: ZERO_TIME, user: { name: "" } },
  },
});

describe("tctl users", () => {
  it("add prints where to sign up", async () => {
    const { world, invites } = inviting([server("proxy", "p1", { public_addr: "proxy.example.test:3080" })]);
    await addUser(world, "alice", "root, admin", { ...flags, ttl: "2h30m", k8sGroups: "dev" });
    assert.equal(
      world.output(),
      `Signup token has been created and is valid for 2 hours. Share this URL with the user:
https://proxy.example.test:3080/web/newuser/${TOKEN}

NOTE: Make sure proxy.example.test:3080 points at a Teleport proxy which users can access.
`,
    );
    assert.deepEqual(invites, [
      [{ name: "alice", allowed_logins: ["root", "admin"], kube_groups: ["dev"] }, 9_000_000],
    ]);
  });

  it("add lets a user log in under the account's own name by default", async () => {
    const { world, invites } = inviting([]);
    await addUser(world, "alice", undefined, flags);
    assert.deepEqual(invites[0], [{ name: "alice", allowed_logins: ["alice"] }, 3_600_000]);
  });

  it("add guesses the proxy where none has a public address, or none is there", async () => {
    const named = inviting([server("proxy", "p1", { hostname: "bastion" })]);
    await addUser(named.world, "alice", undefined, flags);
    assert.match(named.world.output(), /https:\/\/bastion:3080\/web\/newuser\//);
    const none = inviting([]);
    await addUser(none.world, "alice", undefined, flags);
    assert.match(none.world.output(), /https:\/\/<proxyhost>:3080\/web\/newuser\//);
  });

  it("add tells an invite of less than an hour in minutes", async () => {
    const { world } = inviting([]);
    await addUser(world, "alice", undefined, { ...flags, ttl: "30m" });
    assert.match(world.output(), /valid for 30 minutes\./);
  });

  it("add prints an invite for scripts", async () => {
    const { world } = inviting([server("proxy", "p1", { public_addr: "p:3080" })]);
    await addUser(world, "alice", undefined, { ...flags, format: "json" });
    assert.equal(
      world.output(),
      `{"kind":"invite_token","version":"v3","metadata":{"name":"${TOKEN}","expires":"2026-11-22T13:00:00.000Z"},"spec":{"url":"https://p:3080/web/newuser/${TOKEN}"}}`,
    );
  });

  it("add refuses bad flags before it makes an invite", async () => {
    for (const bad of [{ ttl: "soon" }, { ttl: "0s" }, { ttl: "-1h" }, { format: "xml" }]) {
      const { world, invites } = inviting([]);
      await assert.rejects(addUser(world, "alice", undefined, { ...flags, ...bad }), {
        code: "bad_parameter",
      });
      assert.deepEqual(invites, []);
    }
  });

  it("ls prints logins, and an empty line after the table", async () => {
    const world = desk({ getUsers: async () => [user("alice", ["root", "admin"]), user("bo", null)] });
    await listUsers(world, "text");
    assert.equal(
      world.output(),
      "User  Allowed logins\n----- --------------\nalice root,admin    \nbo                  \n\n",
    );
  });

  it("ls says that there are none", async () => {
    const world = desk({ getUsers: async () => [] });
    await listUsers(world, "text");
    assert.equal(world.output(), "No users found\n");
  });

  it("rm deletes one after the other and stops at one that does not exist", async () => {
    const deleted: string[] = [];
    const world = desk({
      deleteUser: async (name) => {
        if (name === "x") throw notFound('user "x" is not found');
        deleted.push(name);
      },
    });
    await assert.rejects(removeUsers(world, "alice, al,x,bob"), { message: 'user "x" is not found' });
    assert.deepEqual(deleted, ["alice", "al"]);
    assert.equal(world.output(), "User 'alice' has been deleted\nUser 'al' has been deleted\n");
  });
});
