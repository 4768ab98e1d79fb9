/** What 4.2 asks of a store that it is started on again (storage.md §5), held against every row. */
import assert from "node:assert/strict";
import { authorityCodec } from "../../../core/resources/authority-codec.js";
import type { StockRow } from "./stock-rows.js";

type Json = Record<string, unknown>;

/** Where 4.2 has objects of a kind; what lies there must be one of its version. */
const RESOURCES: readonly (readonly [RegExp, kind: string, version: string])[] = [
  [/^\/cluster_configuration\/name$/, "cluster_name", "v2"],
  [/^\/cluster_configuration\/general$/, "cluster_config", "v3"],
  [/^\/cluster_configuration\/static_tokens$/, "static_tokens", "v2"],
  [/^\/authentication\/preference\/general$/, "cluster_auth_preference", "v2"],
  [/^\/authorities\/(deactivated\/)?(host|user)\/[^/]+$/, "cert_authority", "v2"],
  [/^\/namespaces\/[^/]+\/params$/, "namespace", "v2"],
  [/^\/roles\/[^/]+\/params$/, "role", "v3"],
  [/^\/tokens\/[^/]+$/, "token", "v2"],
  [/^\/web\/users\/[^/]+\/params$/, "user", "v2"],
  [/^\/web\/users\/[^/]+\/sessions\/[0-9a-f]+$/, "web_session", "v2"],
  [/^\/nodes\/default\/[^/]+$/, "node", "v2"],
  [/^\/proxies\/[^/]+$/, "proxy", "v2"],
  [/^\/authservers\/[^/]+$/, "auth_server", "v2"],
  [/^\/tunnelConnections\/[^/]+\/[^/]+$/, "tunnel_connection", "v2"],
  [/^\/reverseTunnels\/[^/]+$/, "tunnel", "v2"],
  [/^\/remoteClusters\/[^/]+$/, "remote_cluster", "v3"],
  [/^\/trustedclusters\/[^/]+$/, "trusted_cluster", "v2"],
  [/^\/web\/connectors\/github\/connectors\/[^/]+$/, "github", "v3"],
  [/^\/web\/connectors\/oidc\/connectors\/[^/]+$/, "oidc", "v2"],
  [/^\/web\/connectors\/saml\/connectors\/[^/]+$/, "saml", "v2"],
  [/^\/access_requests\/[^/]+\/params$/, "access_request", "v3"],
  [/^\/plugin_data\/access_request\/[^/]+\/params$/, "plugin_data", "v3"],
];

/** Everything else that 4.2 writes, or passes over. */
const OTHERS: readonly RegExp[] = [
  /^\/extensions\//,
  /^\/localCluster\/val$/,
  /^\/namespaces\/[^/]+\/sessions\/active\/[^/]+$/,
  /^\/(addusertokens|adduseru2fchallenges)\/[^/]+$/,
  /^\/web\/connectors\/\w+\/requests\/[^/]+$/,
  // Sub-keys of a user are passed over but for those that 4.2 knows.
  /^\/web\/users\/[^/]+\/(pwd|totp|hotp|used_totp|u2f\w+|totp_step|attempts\/[^/]+)$/,
];

/** Kinds that only live with an expiry, in the backend and inside. */
const EPHEMERAL: ReadonlySet<unknown> = new Set(["node", "proxy", "auth_server", "tunnel_connection"]);

/** In the order in which 4.2 writes them: it compares the bytes of authorities. */
const AUTHORITY_FIELDS = [
  ...["type", "cluster_name", "checking_keys", "signing_keys"],
  ...["roles", "role_map", "tls_key_pairs", "rotation"],
];

/** Fails for the first row that would keep 4.2 from starting on the store, or that it could not read. */
export function assertReadableByStock(rows: readonly StockRow[]): void {
  for (const { key, value, expires } of rows) {
    assert.notEqual(value.length, 0, `${key} is empty`);
    const known = RESOURCES.find(([pattern]) => pattern.test(key));
    if (known === undefined) {
      assert.ok(
        OTHERS.some((pattern) => pattern.test(key)),
        `4.2 has nothing at ${key}`,
      );
      continue;
    }
    const [, kind, version] = known;
    const text = value.toString();
    const object = JSON.parse(text) as Json;
    const metadata = object["metadata"] as Json;
    assert.deepEqual([object["kind"], object["version"]], [kind, version], key);
    assert.equal("id" in metadata || "namespace" in metadata, false, key);
    for (const label of Object.values((metadata["labels"] ?? {}) as Json))
      assert.equal(typeof label, "string", key);
    if (metadata["expires"] !== undefined || EPHEMERAL.has(kind)) {
      assert.ok(metadata["expires"], `${key} has no expiry inside`);
      assert.ok(expires, `${key} has no expiry in the backend`);
    }
    if (kind === "role") assertRole(key, object["spec"] as Json);
    if (kind === "cert_authority") assertCanonical(key, text);
  }
}

/** 4.2 rewrites a role without this option, which then loses what 4.2 does not know. */
function assertRole(key: string, spec: Json): void {
  assert.ok((spec["options"] as Json)["enhanced_recording"], `${key} has no enhanced_recording`);
}

function assertCanonical(key: string, text: string): void {
  const object = JSON.parse(text) as Json;
  assert.equal(JSON.stringify(object), text, `${key} has spaces`);
  assert.deepEqual(Object.keys(object), ["kind", "version", "metadata", "spec"], key);
  const fields = Object.keys(object["spec"] as Json);
  assert.deepEqual(
    fields,
    AUTHORITY_FIELDS.filter((field) => fields.includes(field)),
    key,
  );
  assert.equal(authorityCodec.encode(authorityCodec.decode(key, Buffer.from(text))).toString(), text, key);
}
