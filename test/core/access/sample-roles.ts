import type { Role, RoleConditions, RoleOptions } from "../../../core/resources/role.js";

/** A role from the parts that a test is about. */
export function role(
  name: string,
  parts: { allow?: RoleConditions; deny?: RoleConditions; options?: RoleOptions } = {},
): Role {
  const { allow = {}, deny = {}, options = {} } = parts;
  return { kind: "role", version: "v3", metadata: { name }, spec: { options, allow, deny } };
}

/** The `admin` role that 4.2 makes at first start (features.md §5.4). */
export const adminRole: Role = role("admin", {
  options: {
    max_session_ttl: "30h0m0s",
    forward_agent: true,
    port_forwarding: true,
    cert_format: "standard",
  },
  allow: {
    logins: ["{{internal.logins}}"],
    node_labels: { "*": "*" },
    rules: [
      { resources: ["role"], verbs: ["list", "create", "read", "update", "delete"] },
      { resources: ["session"], verbs: ["list", "read"] },
      { resources: ["event"], verbs: ["list", "read"] },
    ],
  },
});
