import { z } from "zod";
import { badParameter } from "../../errors/error.js";
import type { RegisterRequest } from "../../auth/client/api.js";
import type { SystemRole } from "../../resources/token.js";

/** A body of `POST /webapi/ssh/certs` (wire.md §2.3); unknown keys are ignored as 4.2 does. */
export const certsBody = z.object({
  user: z.string().min(1),
  password: z.string(),
  otp_token: z.string().default(""),
  hotp_token: z.string().default(""),
  pub_key: z.string().min(1),
  // Nanoseconds: a year is beyond the integers that JSON numbers keep exact, and is capped by the roles anyway.
  ttl: z.number().nonnegative().default(0),
  compatibility: z.string().default(""),
  RouteToCluster: z.string().default(""),
});

/** A body of `POST /webapi/users`. */
export const signupBody = z.object({
  invite_token: z.string().min(1),
  pass: z.string(),
  second_factor_token: z.string().default(""),
});

/** A body of `POST /webapi/host/credentials`, which is that of `POST /v2/tokens/register`. */
export const credentialsBody: z.ZodType<RegisterRequest> = z.object({
  hostID: z.string().min(1),
  node_name: z.string(),
  // The auth service knows which roles there are, and which of them the token admits.
  role: z.string().min(1) as unknown as z.ZodType<SystemRole>,
  token: z.string().min(1),
  additional_principals: z.array(z.string()).nullable().default(null),
  dns_names: z.array(z.string()).nullable().default(null),
  public_tls_key: z.string().min(1),
  public_ssh_key: z.string().min(1),
  remote_addr: z.string().default(""),
});

/** Checks a body. Throws `bad_parameter` naming the first field that is wrong, never its value. */
export function readBody<T>(schema: z.ZodType<T>, body: unknown): T {
  const result = schema.safeParse(body);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  throw badParameter(`${issue?.path.join(".") || "body"}: ${issue?.message ?? "is not valid"}`);
}
