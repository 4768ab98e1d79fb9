import type { Role, Rule } from "../resources/role.js";

const readWrite = ["list", "create", "read", "update", "delete"];
const readOnly = ["list", "read"];

const rule = (resource: string, verbs: readonly string[]): Rule => ({
  resources: [resource],
  verbs: [...verbs],
});

/** The role that every cluster starts with and that each invited user gets (features.md §5.4). */
export const adminRole: Role = {
  kind: "role",
  version: "v3",
  metadata: { name: "admin" },
  spec: {
    options: {
      forward_agent: true,
      max_session_ttl: "30h0m0s",
      port_forwarding: true,
      cert_format: "standard",
      enhanced_recording: ["command", "network"],
    },
    allow: {
      logins: ["{{internal.logins}}"],
      node_labels: { "*": "*" },
      rules: [
        rule("role", readWrite),
        rule("auth_connector", readWrite),
        rule("session", readOnly),
        rule("trusted_cluster", readWrite),
        rule("event", readOnly),
      ],
      kubernetes_groups: ["{{internal.kubernetes_groups}}"],
    },
    deny: { logins: null },
  },
};
