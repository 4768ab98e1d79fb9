/** The roles that a cluster starts with beside `admin` (features.md §5.4, 6.0.2), over the kinds of this release. */
import { READ_ONLY, READ_WRITE } from "../access/rule.js";
import { hasCode } from "../errors/error.js";
import type { PresetRecord } from "../resources/preset-record.js";
import type { RoleStore } from "../resources/roles.js";
import type { Role, RoleConditions } from "../resources/role.js";

const EDITABLE = [
  "user",
  "role",
  "auth_connector",
  "cluster_auth_preference",
  "cluster_config",
  "trusted_cluster",
  "remote_cluster",
  "token",
  "lock",
];

/** `access` opens sessions, `editor` changes the cluster, `auditor` reads what happened; the latter two have no logins. */
export const PRESET_ROLES: readonly Role[] = [
  preset("access", {
    logins: ["{{internal.logins}}"],
    node_labels: { "*": "*" },
    kubernetes_groups: ["{{internal.kubernetes_groups}}"],
  }),
  preset("editor", { rules: EDITABLE.map((kind) => ({ resources: [kind], verbs: [...READ_WRITE] })) }),
  preset("auditor", {
    rules: ["session", "event"].map((kind) => ({ resources: [kind], verbs: [...READ_ONLY] })),
  }),
];

/**
 * Creates the preset roles that this store has never been given. A role of the same name is left alone, and one that was
 * removed stays so.
 */
export async function ensurePresetRoles(roles: RoleStore, record: PresetRecord): Promise<void> {
  const given = await record.names();
  const missing = PRESET_ROLES.filter(({ metadata }) => !given.includes(metadata.name));
  for (const role of missing) {
    await roles.create(role).catch((error: unknown) => {
      if (!hasCode(error, "already_exists")) throw error;
    });
  }
  if (missing.length > 0) await record.put([...given, ...missing.map(({ metadata }) => metadata.name)]);
}

function preset(name: string, allow: RoleConditions): Role {
  return {
    kind: "role",
    version: "v3",
    metadata: { name },
    spec: {
      options: {
        forward_agent: true,
        max_session_ttl: "30h0m0s",
        port_forwarding: true,
        cert_format: "standard",
        enhanced_recording: ["command", "network"],
      },
      allow,
      deny: { logins: null },
    },
  };
}
