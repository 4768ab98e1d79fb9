import { z } from "zod";
import { rotationSchema } from "./authority-codec.js";
import { createCodec, type Codec } from "./codec.js";
import { dropped, duration, metadata, omitEmpty } from "./schema-fields.js";
import type { Server } from "./server.js";

/** Heartbeats. The kind is forced, since 4.2's proxies announce themselves as `node` (wire.md §6.4). */
export function serverCodec(kind: Server["kind"]): Codec<Server> {
  return createCodec<Server>(
    kind.replace("_", " "),
    z.object({
      kind: z.string().transform(() => kind),
      sub_kind: omitEmpty(z.string()),
      version: z.literal("v2").default("v2"),
      metadata,
      spec: z.object({
        addr: z.string().default(""),
        public_addr: omitEmpty(z.string()),
        public_addrs: omitEmpty(z.array(z.string())),
        hostname: z.string().default(""),
        labels: dropped,
        cmd_labels: omitEmpty(
          z.record(
            z.string(),
            z.object({
              period: duration.default("0s"),
              command: z.array(z.string()),
              result: z.string().default(""),
            }),
          ),
        ),
        rotation: omitEmpty(rotationSchema),
        use_tunnel: omitEmpty(z.boolean()),
      }),
    }),
  );
}
