import type { Resource } from "./envelope.js";
import type { ProvisionToken } from "./token.js";

/** The name of the cluster; never changes after the first start. */
export type ClusterName = Resource<"cluster_name", { cluster_name: string }>;

/** Settings that all services of the cluster follow (wire.md §5.4). Durations are Go duration text. */
export type ClusterConfig = Resource<
  "cluster_config",
  {
    session_recording: "node" | "proxy" | "off";
    /** Ours: recordings go straight to auth while the session runs (node-sync, proxy-sync). 4.2 reads over it. */
    session_recording_sync?: boolean;
    cluster_id: string;
    proxy_checks_host_keys: "yes" | "no";
    audit: {
      type?: string;
      region?: string;
      audit_sessions_uri?: string;
      audit_events_uri?: string | string[];
    };
    client_idle_timeout: string;
    disconnect_expired_cert: boolean;
    keep_alive_interval: string;
    keep_alive_count_max: number;
    local_auth: boolean;
    /** Ours, as of 7.1; absent means `best_effort`. 4.2 reads over it. */
    locking_mode?: "best_effort" | "strict";
  }
>;

/** How users prove who they are. */
export type AuthPreference = Resource<
  "cluster_auth_preference",
  {
    type: "local" | "oidc" | "saml" | "github";
    second_factor: "off" | "otp" | "u2f";
    connector_name?: string;
    u2f: { app_id?: string; facets?: string[] };
  }
>;

/** Join tokens named in teleport.yaml. */
export type StaticTokens = Resource<"static_tokens", { static_tokens: ProvisionToken[] }>;

/** A namespace; there is always `default`. */
export type Namespace = Resource<"namespace", Record<string, never>>;
