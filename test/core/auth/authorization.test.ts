import assert from "node:assert/strict";
import type { AuthApi } from "../../../core/auth/client/api.js";
import type { Rule } from "../../../core/resources/role.js";
import { role } from "../access/sample-roles.js";
import { startAuth, type AuthFixture } from "./auth-fixture.js";

const ALL = ["list", "read", "create", "update", "delete"];
const denied = { code: "access_denied" };

describe("rules with conditions", () => {
  let auth: AuthFixture;
  beforeEach(async () => {
    auth = await startAuth();
    for (const name of ["web-1", "web-2", "db-1"]) {
      const labels = { team: name.startsWith("web") ? "web" : "db" };
      const one = role(name);
      await auth.as("Admin").upsertRole({ ...one, metadata: { ...one.metadata, labels } });
    }
  });
  afterEach(() => auth.close());

  const team = (name: string) => ({ ...role(name), metadata: { name, labels: { team: "web" } } });
  /** The API of a user whose only role has these rules. */
  const withRules = async (rules: Rule[], deny: Rule[] = []): Promise<AuthApi> => {
    await auth.as("Admin").upsertRole(role("mine", { allow: { rules }, deny: { rules: deny } }));
    return auth.asUser("alice", { roles: ["mine"], traits: { teams: ["web"] } });
  };
  const ofTeam = `contains(user.spec.traits["teams"], resource.metadata.labels["team"])`;
  const names = (roles: { metadata: { name: string } }[]): string[] =>
    roles.map(({ metadata }) => metadata.name);

  it("show of a list what they allow", async () => {
    const api = await withRules([{ resources: ["role"], verbs: ALL, where: ofTeam }]);
    assert.deepEqual(names(await api.getRoles()), ["web-1", "web-2"]);
    assert.equal((await api.getRole("web-1")).metadata.name, "web-1");
    await assert.rejects(api.getRole("db-1"), denied);
    await assert.rejects(api.getRole("nowhere"), denied, "what is not there looks like what is not allowed");
  });

  it("hide of a list what they deny", async () => {
    const api = await withRules(
      [{ resources: ["role"], verbs: ALL }],
      [{ resources: ["role"], verbs: ["list"], where: ofTeam }],
    );
    const shown = names(await api.getRoles());
    assert.ok(shown.includes("db-1") && !shown.includes("web-1"), shown.join());
  });

  it("refuse a list in which they leave nothing", async () => {
    const api = await withRules([
      { resources: ["role"], verbs: ALL, where: `equals(resource.metadata.name, "x")` },
    ]);
    await assert.rejects(api.getRoles(), denied);
  });

  it("decide about what is there and what it is to become", async () => {
    const api = await withRules([{ resources: ["role"], verbs: ALL, where: ofTeam }]);
    await api.upsertRole(team("web-1"));
    await api.createRole(team("web-3"));
    await assert.rejects(api.upsertRole(role("web-1")), denied, "given away");
    await assert.rejects(api.upsertRole(team("db-1")), denied, "taken over");
    await assert.rejects(api.createRole(role("db-2")), denied);
    await assert.rejects(api.deleteRole("db-1"), denied);
    await api.deleteRole("web-3");
  });
});
