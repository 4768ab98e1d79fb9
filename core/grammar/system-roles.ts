/** System roles, as certificates name them (wire.md §5.1). */
export const SYSTEM_ROLES = [
  "Auth",
  "Web",
  "Node",
  "Proxy",
  "Admin",
  "ProvisionToken",
  "Trusted_cluster",
  "Trustedcluster",
  "Signup",
  "Nop",
  "RemoteProxy",
] as const;

/** A system role. */
export type SystemRole = (typeof SYSTEM_ROLES)[number];

/** Roles in which a host can join the cluster. */
export const HOST_ROLES: readonly SystemRole[] = ["Node", "Proxy", "Auth"];

/** Roles that a join token can give: those of hosts, and a trusted cluster in both of 4.2's spellings. */
export const TOKEN_ROLES: readonly SystemRole[] = [...HOST_ROLES, "Trusted_cluster", "Trustedcluster"];
