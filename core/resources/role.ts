import type { Resource } from "./envelope.js";

/** A rule about API resources: which verbs it gives on which kinds. */
export interface Rule {
  resources: string[];
  verbs: string[];
  where?: string;
  actions?: string[];
}

/** What a role allows or denies. */
export interface RoleConditions {
  logins?: string[] | null;
  namespaces?: string[];
  node_labels?: Record<string, string | string[]>;
  rules?: Rule[];
  kubernetes_groups?: string[];
  kubernetes_users?: string[];
  request?: { roles: string[] };
}

/** Options of a role. Durations are Go duration text. */
export interface RoleOptions {
  forward_agent?: boolean;
  max_session_ttl?: string;
  port_forwarding?: boolean;
  cert_format?: string;
  client_idle_timeout?: string;
  disconnect_expired_cert?: boolean;
  enhanced_recording?: string[];
}

/** A role, version 3 (features.md §5.1). */
export type Role = Resource<"role", { options: RoleOptions; allow: RoleConditions; deny: RoleConditions }>;
