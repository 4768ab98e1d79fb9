import { z } from "@teleport/plugin";

const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

/** As Go writes durations; a plain number is nanoseconds there and is refused here. */
const duration = z
  .string()
  .regex(/^([0-9]+(\.[0-9]+)?(ms|s|m|h))+$/, "must be a duration such as 30s or 500ms")
  .transform((text) =>
    [...text.matchAll(/([0-9.]+)(ms|s|m|h)/g)].reduce(
      (sum, [, number, unit]) => sum + Number(number) * (UNIT_MS[unit ?? ""] ?? 0),
      0,
    ),
  )
  .refine((ms) => ms >= 100 && ms <= 300_000, "must be between 100ms and 5m");

/** The address of one etcd member. */
export interface PeerAddress {
  /** As configured, for messages. */
  readonly url: string;
  readonly host: string;
  readonly port: number;
  readonly tls: boolean;
}

const peer = z.string().transform((text, context): PeerAddress => {
  const refuse = (message: string): never => {
    context.addIssue({ code: "custom", message });
    return z.NEVER;
  };
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    return refuse(`${JSON.stringify(text)} must be a URL such as https://10.0.0.1:2379`);
  }
  if (url.protocol !== "https:" && url.protocol !== "http:") {
    return refuse(`${JSON.stringify(text)} must begin with https:// (or http:// with insecure: true)`);
  }
  if (url.username || url.password) {
    return refuse("must not hold a password: use username and password_file");
  }
  if (!url.hostname || (url.pathname !== "/" && url.pathname !== "") || url.search || url.hash) {
    return refuse(`${JSON.stringify(text)} must hold a host and a port only`);
  }
  const tls = url.protocol === "https:";
  // URL drops the port that is the scheme's default; without any port etcd's own is meant.
  const stated = /:([0-9]+)\/?$/.exec(text)?.[1];
  const host = url.hostname.replace(/^\[|\]$/g, "");
  return { url: text.replace(/\/$/, ""), host, port: Number(stated ?? 2379), tls };
});

/** Below `/a`, keys lie at `/a/...` and `/a.locks/...`: so that prefixes stay apart, dots are refused. */
const prefix = z
  .string()
  .transform((text) => text.replace(/\/+$/, ""))
  .pipe(
    z
      .string()
      .regex(
        /^(\/[0-9A-Za-z_:@-]+)+$/,
        "must be a path such as /teleport: parts of letters, digits and _ : @ - after single slashes",
      ),
  );

const file = z.string().min(1, "must name a file");

/** The keys of `teleport.storage` with `type: etcd`, those of 4.2. */
export const etcdSettings = z
  .strictObject({
    peers: z.union([peer.transform((one) => [one]), z.array(peer).min(1, "must name at least one peer")]),
    prefix: prefix.default("/teleport"),
    tls_cert_file: file.optional(),
    tls_key_file: file.optional(),
    tls_ca_file: file.optional(),
    insecure: z.boolean().default(false),
    username: z.string().min(1, "must not be empty").optional(),
    password_file: file.optional(),
    dial_timeout: duration.default(30_000),
    buffer_size: z.number().int().min(1).max(1_000_000).default(1024),
  })
  .superRefine((keys, context) => {
    const refuse = (key: string, message: string): void =>
      context.addIssue({ code: "custom", path: [key], message });
    const plain = keys.peers.find(({ tls }) => !tls);
    if (plain && !keys.insecure) {
      refuse("peers", `${plain.url} is not encrypted: use https://, or set insecure: true to accept that`);
    }
    if ((keys.tls_cert_file === undefined) !== (keys.tls_key_file === undefined)) {
      const given = keys.tls_cert_file === undefined ? "tls_key_file" : "tls_cert_file";
      refuse(given, "tls_cert_file and tls_key_file must be given together");
    }
    if ((keys.username === undefined) !== (keys.password_file === undefined)) {
      const given = keys.username === undefined ? "password_file" : "username";
      refuse(given, "username and password_file must be given together");
    }
  })
  .transform((keys) => ({
    peers: keys.peers,
    prefix: keys.prefix,
    certFile: keys.tls_cert_file,
    keyFile: keys.tls_key_file,
    caFile: keys.tls_ca_file,
    username: keys.username,
    passwordFile: keys.password_file,
    dialTimeoutMs: keys.dial_timeout,
    bufferSize: keys.buffer_size,
  }));

/** Checked settings. */
export type EtcdSettings = z.output<typeof etcdSettings>;
