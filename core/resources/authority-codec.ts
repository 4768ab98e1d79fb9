import { z } from "zod";
import type { CertAuthority, Rotation } from "./authority.js";
import { createCodec } from "./codec.js";
import { duration, omitEmpty, resource, time } from "./schema-fields.js";

const noGracePeriod = "0s";

/** State of a rotation, in the field order that 4.2 compares byte for byte (storage.md §1.2). */
export const rotationSchema = z.object({
  state: omitEmpty(z.string()),
  phase: omitEmpty(z.string()),
  mode: omitEmpty(z.string()),
  current_id: z.string().default(""),
  started: time,
  grace_period: omitEmpty(duration.transform((text) => (text === noGracePeriod ? "" : text))),
  last_rotated: time,
  schedule: z.object({ update_clients: time, update_servers: time, standby: time }).prefault({}),
}) satisfies z.ZodType<Rotation>;

const schema = resource(
  "cert_authority",
  "v2",
  z.object({
    type: z.enum(["host", "user"]),
    cluster_name: z.string().min(1, "must not be empty"),
    checking_keys: z.array(z.base64()).min(1, "must not be empty"),
    signing_keys: omitEmpty(z.array(z.base64())),
    roles: omitEmpty(z.array(z.string())),
    role_map: omitEmpty(z.array(z.object({ remote: z.string(), local: z.array(z.string()) }))),
    tls_key_pairs: omitEmpty(z.array(z.object({ cert: omitEmpty(z.base64()), key: omitEmpty(z.base64()) }))),
    rotation: omitEmpty(rotationSchema),
  }),
);

/** Certificate authorities. 4.2 compares their stored bytes during a rotation, so `encode` is canonical. */
export const authorityCodec = createCodec<CertAuthority>("certificate authority", schema);

/** A copy of an authority without its private keys. */
export function withoutPrivateKeys(authority: CertAuthority): CertAuthority {
  const { signing_keys: _signingKeys, tls_key_pairs: pairs, ...spec } = authority.spec;
  return {
    ...authority,
    spec: {
      ...spec,
      ...(pairs === undefined
        ? {}
        : { tls_key_pairs: pairs.map(({ cert }) => (cert === undefined ? {} : { cert })) }),
    },
  };
}
