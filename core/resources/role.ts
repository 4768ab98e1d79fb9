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
  /** As of 4.3: whether X11 clients may be forwarded. */
  permit_x11_forwarding?: boolean;
  /** As of 4.4: connections of one user to nodes at a time, over the whole cluster; 0 or absent = no limit. */
  max_connections?: number;
  /** As of 4.4: session channels of one connection at a time; 0 or absent = no limit. */
  max_sessions?: number;
  /** As of 7.1: what becomes of connections while the list of locks cannot be refreshed. */
  lock?: "best_effort" | "strict";
}

/** A role, version 3 (features.md §5.1). */
export type Role = Resource<"role", { options: RoleOptions; allow: RoleConditions; deny: RoleConditions }>;
