/** Client of the proxy's HTTPS API (wire.md §2): what `tsh login` needs before it has a certificate. */
import { request } from "node:https";
import { isIP } from "node:net";
import { connect as connectTls } from "node:tls";
import type { SshLoginResponse } from "../../auth/client/api.js";
import { errorFromHttp } from "../../auth/client/error-mapping.js";
import { accessDenied, errorMessage, unavailable } from "../../errors/error.js";
import { formatAddress, type Address } from "../../grammar/address.js";
import { dial } from "./dial.js";
import { parsePing, parseLoginResponse, type PingReply } from "./web-replies.js";
import { trustedWebAuthorities } from "./web-roots.js";

/** How to reach a proxy. */
export interface WebClientOptions {
  readonly address: Address;
  /** Takes any certificate; for tests and first steps only. */
  readonly insecure: boolean;
  readonly timeoutMs?: number | undefined;
}

/** A login with a password and, where the cluster asks for it, a one-time code. */
export interface PasswordLogin {
  readonly user: string;
  readonly password: string;
  /** Empty where no second factor is asked for. */
  readonly otpToken: string;
  /** authorized_keys line of the key to certify. */
  readonly publicKeyLine: string;
  readonly ttlMs: number;
  readonly routeToCluster: string;
  readonly certFormat?: string | undefined;
}

/** The API of one proxy. All calls throw `unavailable`, `access_denied` and what the proxy replies. */
export interface WebClient {
  /** What the proxy says of itself; with a connector, the settings for logging in through that. */
  ping(connector?: string): Promise<PingReply>;
  login(login: PasswordLogin): Promise<SshLoginResponse>;
}

const TIMEOUT_MS = 30_000;
const MAX_REPLY_BYTES = 4 * 1024 * 1024;
const NANOSECONDS_PER_MS = 1_000_000;

/** What OpenSSL calls a chain that leads to no trusted authority. */
const UNTRUSTED = new Set([
  "DEPTH_ZERO_SELF_SIGNED_CERT",
  "SELF_SIGNED_CERT_IN_CHAIN",
  "UNABLE_TO_GET_ISSUER_CERT",
  "UNABLE_TO_GET_ISSUER_CERT_LOCALLY",
  "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
]);
const INVALID = new Set(["CERT_HAS_EXPIRED", "CERT_NOT_YET_VALID", "ERR_TLS_CERT_ALTNAME_INVALID"]);

/** Makes a client; it connects at its first call. */
export function createWebClient(options: WebClientOptions): WebClient {
  const where = formatAddress(options.address);
  if (options.insecure) {
    process.stderr.write(`WARNING: You are using insecure connection to SSH proxy https://${where}\n`);
  }
  return {
    async ping(connector) {
      const path = connector === undefined ? "ping" : `ping/${encodeURIComponent(connector)}`;
      return parsePing(await call(options, "GET", path), where);
    },
    async login(login) {
      const body = {
        user: login.user,
        password: login.password,
        hotp_token: "",
        otp_token: login.otpToken,
        pub_key: Buffer.from(login.publicKeyLine).toString("base64"),
        ttl: login.ttlMs * NANOSECONDS_PER_MS,
        RouteToCluster: login.routeToCluster,
        ...(login.certFormat === undefined ? {} : { compatibility: login.certFormat }),
      };
      return parseLoginResponse(await call(options, "POST", "ssh/certs", body), where);
    },
  };
}

/** Makes a call and returns the reply's JSON. */
async function call(
  options: WebClientOptions,
  method: string,
  path: string,
  body?: unknown,
): Promise<unknown> {
  const { address, insecure, timeoutMs = TIMEOUT_MS } = options;
  const where = formatAddress(address);
  const payload = body === undefined ? undefined : Buffer.from(JSON.stringify(body));
  const signal = AbortSignal.timeout(timeoutMs);
  const trust = insecure ? { rejectUnauthorized: false } : { ca: trustedWebAuthorities(address.host) };
  const socket = await dial(address, signal).catch((error: unknown) => {
    throw connectionError(error as Error, where);
  });
  return new Promise((resolve, reject) => {
    const outgoing = request(
      {
        host: address.host,
        port: address.port,
        method,
        path: `/v1/webapi/${path}`,
        headers: payload ? { "Content-Type": "application/json", "Content-Length": payload.length } : {},
        createConnection: () =>
          connectTls({
            socket,
            host: address.host,
            ...(isIP(address.host) === 0 ? { servername: address.host } : {}),
            minVersion: "TLSv1.2",
            ...trust,
          }),
        signal,
      },
      (reply) => {
        const chunks: Buffer[] = [];
        let sizeBytes = 0;
        reply.on("data", (chunk: Buffer) => {
          sizeBytes += chunk.length;
          if (sizeBytes > MAX_REPLY_BYTES) reply.destroy(new Error("the reply is too long"));
          else chunks.push(chunk);
        });
        reply.on("error", (error) => reject(connectionError(error, where)));
        reply.on("end", () => {
          try {
            resolve(readReply(reply.statusCode ?? 0, Buffer.concat(chunks).toString("utf8"), where));
          } catch (error) {
            reject(error);
          }
        });
      },
    );
    outgoing.on("error", (error) => reject(connectionError(error, where)));
    outgoing.end(payload);
  });
}

function readReply(status: number, text: string, where: string): unknown {
  let reply: unknown;
  try {
    reply = JSON.parse(text);
  } catch (cause) {
    throw unavailable(
      `no Teleport proxy answers at https://${where} (HTTP status ${status}): check --proxy`,
      {
        cause,
      },
    );
  }
  if (status === 200) return reply;
  const message = (reply as { message?: unknown } | null)?.message;
  throw errorFromHttp(
    status,
    typeof message === "string" ? message : `the proxy replied with status ${status}`,
  );
}

function connectionError(error: Error, where: string): Error {
  const code = (error as NodeJS.ErrnoException).code ?? "";
  if (UNTRUSTED.has(code)) {
    return accessDenied(
      `the web certificate of https://${where} is signed by no trusted authority: ` +
        "name its authority in SSL_CERT_FILE, or skip the check with --insecure",
      { cause: error },
    );
  }
  if (INVALID.has(code)) {
    return accessDenied(
      `the web certificate of https://${where} is not valid: ${errorMessage(error)}; --insecure skips the check`,
      { cause: error },
    );
  }
  const reason =
    error.name === "TimeoutError" || error.name === "AbortError" ? "no answer in time" : describe(error);
  return unavailable(`cannot reach the proxy at https://${where}: ${reason}`, { cause: error });
}

/** A host with several addresses fails with one error for each. */
function describe(error: Error): string {
  const first: unknown = error instanceof AggregateError ? error.errors[0] : error;
  return errorMessage(first);
}
