import assert from "node:assert/strict";
import type { AuthApi } from "../../../core/auth/client/api.js";
import { X509Certificate } from "node:crypto";
import { parsePrivateKey } from "../../../core/pki/keys.js";
import { keys } from "../../../core/resources/keys.js";
import { createMemoryStorage } from "../../../core/storage/memory-storage.js";
import { SETTINGS, startAuth } from "./auth-fixture.js";
import { MovingClock } from "./moving-clock.js";

describe("the first start", () => {
  it("makes authorities, the namespace, the role admin and the settings, as 4.2 stores them", async () => {
    const auth = await startAuth({ clusterName: "new.test" });
    const text = async (key: string) => Buffer.from((await auth.storage.get(key)).value).toString();
    assert.equal(
      await text(keys.clusterName),
      '{"kind":"cluster_name","version":"v2","metadata":{"name":"cluster-name"},"spec":{"cluster_name":"new.test"}}',
    );
    assert.equal(
      await text(keys.namespace("default")),
      '{"kind":"namespace","version":"v2","metadata":{"name":"default"},"spec":{}}',
    );
    assert.equal(
      await text(keys.role("admin")),
      '{"kind":"role","version":"v3","metadata":{"name":"admin"},"spec":{"options":{"forward_agent":true,' +
        '"max_session_ttl":"30h0m0s","port_forwarding":true,"cert_format":"standard","enhanced_recording":' +
        '["command","network"]},"allow":{"logins":["{{internal.logins}}"],"node_labels":{"*":"*"},"rules":[' +
        '{"resources":["role"],"verbs":["list","create","read","update","delete"]},' +
        '{"resources":["auth_connector"],"verbs":["list","create","read","update","delete"]},' +
        '{"resources":["session"],"verbs":["list","read"]},' +
        '{"resources":["trusted_cluster"],"verbs":["list","create","read","update","delete"]},' +
        '{"resources":["event"],"verbs":["list","read"]}],' +
        '"kubernetes_groups":["{{internal.kubernetes_groups}}"]},"deny":{"logins":null}}}',
    );
    assert.match(
      await text(keys.staticTokens),
      /"static_tokens":\[\{"roles":\["Node"\],"expires":"1970-01-01T00:00:00Z","token":"static-node-token"\}\]/,
    );
    for (const type of ["host", "user"] as const) {
      const { spec } = await auth.as("Admin").getCertAuthority(type, "new.test", true);
      const [pair] = spec.tls_key_pairs ?? [];
      const decode = (field: string | undefined) => Buffer.from(field ?? "", "base64").toString();
      const sshKey = parsePrivateKey(decode(spec.signing_keys?.[0]));
      const tlsKey = parsePrivateKey(decode(pair?.key));
      assert.equal(sshKey.asymmetricKeyDetails?.modulusLength, 2048);
      assert.ok(new X509Certificate(decode(pair?.cert)).checkPrivateKey(tlsKey));
      assert.ok(!sshKey.equals(tlsKey));
      assert.match(decode(pair?.key), /^-----BEGIN RSA PRIVATE KEY-----/);
    }
    await auth.close();
  });

  it("by two auth servers at once makes one cluster", async () => {
    const clock = new MovingClock("2026-11-22T12:00:00Z");
    const storage = createMemoryStorage(clock);
    // The one that comes second waits for the lock by this clock.
    const nudge = setInterval(() => clock.advance(250), 5);
    const servers = await Promise.all([
      startAuth({ clusterName: "one.test" }, { storage, clock }),
      startAuth({ clusterName: "one.test" }, { storage, clock }),
    ]);
    clearInterval(nudge);
    const certificates = await Promise.all(servers.map((auth) => auth.as("Admin").getClusterCaCert()));
    assert.equal(certificates[0], certificates[1]);
    const ids = await Promise.all(servers.map((auth) => auth.as("Admin").getClusterConfig()));
    assert.equal(ids[0]?.spec.cluster_id, ids[1]?.spec.cluster_id);
    await Promise.all(servers.map((server) => server.close()));
  });
});

describe("a later start", () => {
  it("writes the settings of the file and keeps name, id, authorities and roles", async () => {
    const first = await startAuth();
    const { cluster_id: id } = (await first.as("Admin").getClusterConfig()).spec;
    const certificate = await first.as("Admin").getClusterCaCert();
    const admin = await first.as("Admin").getRole("admin");
    await first.as("Admin").upsertRole({
      ...admin,
      spec: { ...admin.spec, options: { ...admin.spec.options, max_session_ttl: "1h0m0s" } },
    });
    await first.close();
    const second = await startAuth(
      { staticTokens: [], clusterConfig: { ...SETTINGS.clusterConfig, session_recording: "off" } },
      { storage: first.storage, clock: first.clock },
    );
    const api = second.as("Admin");
    assert.equal((await api.getClusterConfig()).spec.cluster_id, id);
    assert.equal((await api.getClusterConfig()).spec.session_recording, "off");
    assert.deepEqual(await api.getTokens(), []);
    assert.equal(await api.getClusterCaCert(), certificate);
    assert.equal((await api.getRole("admin")).spec.options.max_session_ttl, "1h0m0s");
    await second.close();
  });

  it("gives an old store the preset roles, and none of them twice or over another role", async () => {
    const first = await startAuth();
    await first.close();
    const { storage, clock } = first;
    await storage.delete(keys.presetRoles);
    for (const name of ["access", "auditor"]) await storage.delete(keys.role(name));
    const admin = async (use: (api: AuthApi) => Promise<void>): Promise<void> => {
      const auth = await startAuth({}, { storage, clock });
      await use(auth.as("Admin"));
      await auth.close();
    };
    await first.as("Admin").upsertRole({
      kind: "role",
      version: "v3",
      metadata: { name: "editor" },
      spec: { options: {}, allow: { logins: ["mine"] }, deny: {} },
    });
    await admin(async (api) => {
      assert.deepEqual((await api.getRole("editor")).spec.allow.logins, ["mine"]);
      assert.deepEqual((await api.getRole("access")).spec.allow.logins, ["{{internal.logins}}"]);
      await api.deleteRole("auditor");
    });
    await admin(async (api) => {
      await assert.rejects(api.getRole("auditor"), { code: "not_found" });
    });
  });

  it("is refused where an authority is lost, since a new one would lock everybody out", async () => {
    const first = await startAuth();
    await first.close();
    await first.storage.delete(keys.authority("user", "example.test"));
    await assert.rejects(startAuth({}, { storage: first.storage, clock: first.clock }), {
      code: "corrupt",
      message: /holds the cluster example.test but not its user authority/,
    });
    await assert.rejects(first.storage.get(".locks/example.test"), { code: "not_found" });
  });

  it("follows new authorities while it runs", async () => {
    const auth = await startAuth();
    const before = auth.server.trustedAuthorities.current();
    assert.deepEqual(before.map(({ type }) => type).sort(), ["host", "user"]);
    const changed = new Promise<void>((resolve) => {
      const look = (): void =>
        auth.server.trustedAuthorities.current().length === 1 ? resolve() : void setImmediate(look);
      look();
    });
    await auth.storage.delete(keys.authority("user", "example.test"));
    await changed;
    await auth.close();
  });
});
