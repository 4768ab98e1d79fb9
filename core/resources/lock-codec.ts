import { z } from "zod";
import { createCodec } from "./codec.js";
import type { Lock } from "./lock.js";
import { omitEmpty, optionalTimeField, resource } from "./schema-fields.js";

const target = z
  .object({
    user: omitEmpty(z.string()),
    role: omitEmpty(z.string()),
    login: omitEmpty(z.string()),
    node: omitEmpty(z.string()),
    session: omitEmpty(z.string()),
  })
  .refine((fields) => Object.values(fields).some((value) => value !== undefined), {
    message: "must name a user, role, login, node or session: an empty target would lock everybody out",
  });

/** Locks. */
export const lockCodec = createCodec<Lock>(
  "lock",
  resource(
    "lock",
    "v2",
    z.object({
      target,
      message: omitEmpty(z.string()),
      expires: optionalTimeField,
      issued_before: optionalTimeField,
    }),
  ),
);
