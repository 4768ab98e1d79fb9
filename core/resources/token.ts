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

/** A join token, in the shape of `GET /v2/tokens`. `expires` of a static token is 1970-01-01T00:00:00Z: never. */
export interface ProvisionToken {
  roles: SystemRole[];
  expires: string;
  token: string;
}
