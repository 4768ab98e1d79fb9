import { z } from "zod";
import { createCodec } from "./codec.js";
import { omitEmpty, resource, time } from "./schema-fields.js";
import type { LiveSession, LiveSessionUpdate, WebSession } from "./session.js";

const party = z.object({
  id: z.string(),
  remote_addr: z.string().default(""),
  user: z.string(),
  server_id: z.string(),
  last_active: time,
});

const parties = z
  .array(party)
  .nullish()
  .transform((list) => list ?? null);

const terminal = z.object({ w: z.number().int().nonnegative(), h: z.number().int().nonnegative() });

/** Live SSH sessions. */
export const liveSessionCodec = createCodec<LiveSession>(
  "session",
  z.object({
    id: z.uuid("invalid session id"),
    namespace: z.string().default("default"),
    parties,
    terminal_params: terminal,
    login: z.string(),
    created: time,
    last_active: time,
    server_id: z.string(),
    target: omitEmpty(z.string()),
  }),
  { escapeHtml: true },
);

/** Changes to live sessions. */
export const liveSessionUpdateCodec = createCodec<LiveSessionUpdate>(
  "session update",
  z.object({
    id: z.uuid("invalid session id"),
    namespace: z.string().default("default"),
    terminal_params: terminal.nullish().transform((size) => size ?? null),
    parties,
  }),
);

/** Web sessions. */
export const webSessionCodec = createCodec<WebSession>(
  "web session",
  resource(
    "web_session",
    "v2",
    z.object({
      user: z.string(),
      pub: z.base64(),
      priv: omitEmpty(z.base64()),
      tls_cert: z.base64(),
      bearer_token: z.string(),
      bearer_token_expires: time,
      expires: time,
    }),
  ),
);
