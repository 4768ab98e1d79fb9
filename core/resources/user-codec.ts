import { z } from "zod";
import { createCodec } from "./codec.js";
import { omitEmpty, resource, time } from "./schema-fields.js";
import { u2fRegistrationSchema } from "./u2f-device.js";
import type { User } from "./user.js";

/** Lock state, in 4.2's form. */
export const loginStatusSchema = z.object({
  is_locked: z.boolean().default(false),
  locked_message: omitEmpty(z.string()),
  locked_time: time,
  lock_expires: time,
});

/** Who made a user. */
export const createdBySchema = z.object({
  connector: omitEmpty(z.object({ type: z.string(), id: z.string(), identity: z.string() })),
  time,
  user: z.object({ name: z.string().default("") }).prefault({}),
});

const identities = omitEmpty(z.array(z.object({ connector_id: z.string(), username: z.string() })));

const schema = resource(
  "user",
  "v2",
  z.object({
    oidc_identities: identities,
    saml_identities: identities,
    github_identities: identities,
    roles: z
      .array(z.string())
      .nullish()
      .transform((roles) => roles ?? []),
    traits: omitEmpty(z.record(z.string(), z.array(z.string()).nullable())),
    status: loginStatusSchema.prefault({}),
    expires: time,
    created_by: createdBySchema.prefault({}),
    local_auth: omitEmpty(
      z.object({
        password_hash: omitEmpty(z.base64()),
        totp_key: omitEmpty(z.string()),
        u2f_registration: u2fRegistrationSchema,
        u2f_counter: omitEmpty(z.int().nonnegative()),
      }),
    ),
  }),
);

/** Users. */
export const userCodec = createCodec<User>("user", schema);
