import { z } from "zod";
import type { AuthPreference, ClusterConfig, ClusterName, Namespace, StaticTokens } from "./cluster.js";
import { createCodec } from "./codec.js";
import { dropped, duration, omitEmpty, resource, truth } from "./schema-fields.js";
import { provisionTokenSchema } from "./token-codec.js";

/** The cluster's name. */
export const clusterNameCodec = createCodec<ClusterName>(
  "cluster name",
  resource("cluster_name", "v2", z.object({ cluster_name: z.string().min(1, "must not be empty") })),
);

/** Settings that all services follow. */
export const clusterConfigCodec = createCodec<ClusterConfig>(
  "cluster configuration",
  resource(
    "cluster_config",
    "v3",
    z.object({
      session_recording: z.enum(["node", "proxy", "off"]).default("node"),
      session_recording_sync: omitEmpty(truth),
      cluster_id: z.string().default(""),
      proxy_checks_host_keys: z.enum(["yes", "no"]).default("yes"),
      audit: z
        .object({
          type: omitEmpty(z.string()),
          region: omitEmpty(z.string()),
          audit_sessions_uri: omitEmpty(z.string()),
          audit_events_uri: omitEmpty(z.union([z.string(), z.array(z.string())])),
          audit_table_name: dropped,
        })
        .prefault({}),
      client_idle_timeout: duration.default("0s"),
      disconnect_expired_cert: truth.default(false),
      keep_alive_interval: duration.default("5m0s"),
      keep_alive_count_max: z.number().int().nonnegative().default(3),
      local_auth: truth.default(true),
      locking_mode: omitEmpty(z.enum(["best_effort", "strict"])),
    }),
  ),
);

/** How users prove who they are. */
export const authPreferenceCodec = createCodec<AuthPreference>(
  "authentication preference",
  resource(
    "cluster_auth_preference",
    "v2",
    z.object({
      type: z.enum(["local", "oidc", "saml", "github"]).default("local"),
      second_factor: z.enum(["off", "otp", "u2f"]).default("otp"),
      connector_name: omitEmpty(z.string()),
      u2f: z
        .object({ app_id: omitEmpty(z.string()), facets: omitEmpty(z.array(z.string())) })
        .nullish()
        .transform((u2f) => u2f ?? {}),
    }),
  ),
  { escapeHtml: true },
);

/** Join tokens of teleport.yaml. */
export const staticTokensCodec = createCodec<StaticTokens>(
  "static tokens",
  resource(
    "static_tokens",
    "v2",
    z.object({
      static_tokens: z
        .array(provisionTokenSchema)
        .nullish()
        .transform((tokens) => tokens ?? []),
    }),
  ),
);

/** A namespace. */
export const namespaceCodec = createCodec<Namespace>(
  "namespace",
  resource("namespace", "v2", z.object({}).prefault({})),
);
