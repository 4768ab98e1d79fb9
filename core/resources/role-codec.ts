import { z } from "zod";
import { createCodec } from "./codec.js";
import type { Role } from "./role.js";
import { duration, nullableTexts, omitEmpty, resource, truth } from "./schema-fields.js";

const rule = z.object({
  resources: z.array(z.string()),
  verbs: z.array(z.string()),
  where: omitEmpty(z.string()),
  actions: omitEmpty(z.array(z.string())),
});

const conditions = z.object({
  logins: nullableTexts,
  namespaces: omitEmpty(z.array(z.string())),
  // An empty map matches no node at all and an absent one every node, so an empty one is kept.
  node_labels: z.record(z.string(), z.union([z.string(), z.array(z.string())])).optional(),
  rules: omitEmpty(z.array(rule)),
  kubernetes_groups: omitEmpty(z.array(z.string())),
  request: omitEmpty(z.object({ roles: z.array(z.string()) })),
  kubernetes_users: omitEmpty(z.array(z.string())),
});

const schema = resource(
  "role",
  "v3",
  z.object({
    options: z
      .object({
        forward_agent: truth.optional(),
        max_session_ttl: duration.optional(),
        port_forwarding: truth.optional(),
        cert_format: omitEmpty(z.enum(["standard", "oldssh"])),
        client_idle_timeout: omitEmpty(duration),
        disconnect_expired_cert: omitEmpty(truth),
        enhanced_recording: omitEmpty(z.array(z.enum(["command", "disk", "network"]))),
        permit_x11_forwarding: omitEmpty(truth),
        max_connections: omitEmpty(z.int().nonnegative()),
        max_sessions: omitEmpty(z.int().nonnegative()),
        lock: omitEmpty(z.enum(["best_effort", "strict"])),
      })
      .prefault({}),
    allow: conditions.prefault({}),
    deny: conditions.prefault({}),
  }),
);

/** Roles. A login of `*` is refused as 4.2 refuses it, and so is a `'*'` label with another value than `*`. */
export const roleCodec = createCodec<Role>(
  "role",
  schema.superRefine((role, context) => {
    for (const side of ["allow", "deny"] as const) {
      const { logins, node_labels: labels } = role.spec[side];
      if (side === "allow" && logins?.includes("*")) {
        context.addIssue({
          code: "custom",
          path: ["spec", side, "logins"],
          message: "wildcard matcher is not allowed in logins",
        });
      }
      const any = labels?.["*"];
      if (any !== undefined && any !== "*" && !(any.length === 1 && any[0] === "*")) {
        context.addIssue({
          code: "custom",
          path: ["spec", side, "node_labels", "*"],
          message: `selector *:${String(any)} is not supported`,
        });
      }
    }
  }),
);
