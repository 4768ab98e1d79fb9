import { z } from "zod";
import { createCodec } from "./codec.js";
import type { Resource } from "./envelope.js";
import { omitEmpty, resource, time } from "./schema-fields.js";
import { SYSTEM_ROLES, type SystemRole } from "../grammar/system-roles.js";
import type { ProvisionToken } from "./token.js";

const systemRole = z.enum(SYSTEM_ROLES);

/** A join token as `GET /v2/tokens` shows it and static tokens are stored. */
export const provisionTokenSchema = z.object({
  roles: z.array(systemRole),
  expires: time,
  token: z.string().min(1, "must not be empty"),
  single_use: omitEmpty(z.boolean()),
  host_id: omitEmpty(z.string()),
}) satisfies z.ZodType<ProvisionToken>;

/** A dynamic join token as it is stored. */
export type StoredToken = Resource<
  "token",
  {
    roles: SystemRole[];
    /** Only in exports: in the store it is the key that says so. */
    single_use?: boolean | undefined;
    host_id?: string | undefined;
  }
>;

/** Dynamic join tokens. `host_id` is ours, and only in single-use tokens: the host that has begun to use it. */
export const tokenCodec = createCodec<StoredToken>(
  "join token",
  resource(
    "token",
    "v2",
    z.object({
      roles: z.array(systemRole),
      single_use: omitEmpty(z.boolean()),
      host_id: omitEmpty(z.string()),
    }),
  ),
);
