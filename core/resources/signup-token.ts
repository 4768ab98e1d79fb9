import { z } from "zod";
import { createCodec } from "./codec.js";
import { nullableTexts, omitEmpty, time } from "./schema-fields.js";
import { createdBySchema, loginStatusSchema } from "./user-codec.js";

const schema = z.object({
  token: z.string(),
  user: z.object({
    name: z.string(),
    allowed_logins: nullableTexts,
    kube_groups: omitEmpty(z.array(z.string())),
    oidc_identities: z
      .unknown()
      .optional()
      .transform(() => null),
    status: loginStatusSchema.prefault({}),
    expires: time,
    created_by: createdBySchema.prefault({}),
    // 4.2 writes null, and gives everybody the role admin.
    roles: nullableTexts,
  }),
  otp_key: z.string().default(""),
  /** Base64 PNG. */
  otp_qr_code: z
    .string()
    .nullish()
    .transform((png) => png ?? ""),
  expires: time,
});

/** An invite: who may sign up, and the TOTP secret that the invite page shows (storage.md §1.4). */
export type SignupToken = z.output<typeof schema>;

/** Invites, in 4.2's V1 form. */
export const signupTokenCodec = createCodec<SignupToken>("invite", schema, { escapeHtml: true });
