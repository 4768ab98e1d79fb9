import assert from "node:assert/strict";
import type { AuthApi } from "../../../core/auth/client/api.js";
import type { CertAuthority } from "../../../core/resources/authority.js";
import { startAuth, type AuthFixture } from "./auth-fixture.js";

describe("the settings of a running cluster", () => {
  let auth: AuthFixture;
  let admin: AuthApi;

  beforeEach(async () => {
    auth = await startAuth();
    admin = auth.as("Admin");
  });
  afterEach(() => auth.close());

  it("can be changed, but for the cluster's id", async () => {
    const config = await admin.getClusterConfig();
    const { cluster_id: id } = config.spec;
    await admin.setClusterConfig({
      ...config,
      metadata: { name: "x" },
      spec: { ...config.spec, client_idle_timeout: "10m", cluster_id: "" },
    });
    const changed = await admin.getClusterConfig();
    assert.equal(changed.metadata.name, "cluster-config");
    assert.equal(changed.spec.client_idle_timeout, "10m0s");
    assert.equal(changed.spec.cluster_id, id);
    const stolen = { ...config, spec: { ...config.spec, cluster_id: "other" } };
    await assert.rejects(admin.setClusterConfig(stolen), { code: "bad_parameter" });
    const typo = { ...config, spec: { ...config.spec, client_idle_timout: "1m" } };
    await assert.rejects(admin.setClusterConfig(typo), { message: /no field spec.client_idle_timout/ });
  });

  it("keep a way to log in", async () => {
    const preference = await admin.getAuthPreference();
    await admin.setAuthPreference({ ...preference, spec: { ...preference.spec, second_factor: "off" } });
    assert.equal((await admin.getAuthPreference()).spec.second_factor, "off");
    for (const spec of [{ type: "saml" as const }, { second_factor: "u2f" as const }]) {
      const locked = { ...preference, spec: { ...preference.spec, ...spec } };
      await assert.rejects(admin.setAuthPreference(locked), { code: "bad_parameter" });
    }
  });

  it("show the static tokens", async () => {
    const { spec } = await admin.getStaticTokens();
    assert.deepEqual(
      spec.static_tokens.map(({ token }) => token),
      ["static-node-token"],
    );
  });

  it("take back an authority that can sign, and of another cluster one that cannot", async () => {
    const own = await admin.getCertAuthority("user", "example.test", true);
    await assert.rejects(admin.createCertAuthority(own), { code: "already_exists" });
    await admin.upsertCertAuthority(own);
    const bare = await admin.getCertAuthority("user", "example.test");
    await assert.rejects(admin.upsertCertAuthority(bare), { message: /lacks its private keys/ });
    const foreign = (authority: CertAuthority): CertAuthority => ({
      ...authority,
      metadata: { name: "leaf.test" },
      spec: { ...authority.spec, cluster_name: "leaf.test" },
    });
    await assert.rejects(admin.upsertCertAuthority(foreign(own)), { message: /signs for another cluster/ });
    await admin.createCertAuthority(foreign(bare));
    assert.equal((await admin.getCertAuthorities("user")).length, 2);
  });
});
