import { request } from "node:https";
import { errorMessage, unavailable } from "../../errors/error.js";
import { parseAddress } from "../../grammar/address.js";
import type { PackedKeys, RegisterRequest } from "./api.js";
import { errorFromHttp } from "./error-mapping.js";
import { object } from "./reply-shape.js";

/** The port of a proxy's web API. */
const WEB_PORT = 3080;
const MAX_REPLY_BYTES = 1024 * 1024;

const hostAuthority = object<{ tls_ca: string }>("tls_ca");
const packedKeys = object<PackedKeys>("cert", "tls_cert", "tls_ca_certs", "ssh_ca_certs");

/** How a proxy is called. It is verified against the system's certificate authorities, unless `insecure`. */
export interface WebCallOptions {
  readonly insecure: boolean;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

interface WebReply {
  readonly status: number;
  readonly text: string;
}

/**
 * The PEM of the cluster's TLS host authority, as the proxy tells it to everybody. Undefined where it does not: those
 * of 4.2 have no such request.
 */
export async function authorityOfProxy(
  address: string,
  options: WebCallOptions,
): Promise<string | undefined> {
  const { status, text } = await call(address, "GET", "/v1/webapi/host/authority", undefined, options);
  if (status >= 500) throw errorFromHttp(status, `the proxy answered with status ${status}`);
  if (status !== 200) return undefined;
  try {
    return Buffer.from(hostAuthority(JSON.parse(text)).tls_ca, "base64").toString("utf8");
  } catch {
    return undefined;
  }
}

/** Joins through a proxy's web API, which passes the request on to the auth service (wire.md §6.5). */
export async function registerThroughProxy(
  address: string,
  registration: RegisterRequest,
  options: WebCallOptions,
): Promise<PackedKeys> {
  const body = Buffer.from(JSON.stringify(registration));
  return readKeys(address, await call(address, "POST", "/v1/webapi/host/credentials", body, options));
}

function call(
  address: string,
  method: "GET" | "POST",
  path: string,
  body: Buffer | undefined,
  options: WebCallOptions,
): Promise<WebReply> {
  const { host, port } = parseAddress(address, WEB_PORT);
  return new Promise((resolve, reject) => {
    const outgoing = request({
      host,
      port,
      method,
      path,
      headers: body && { "content-type": "application/json", "content-length": body.length },
      rejectUnauthorized: !options.insecure,
      signal: options.signal,
      agent: false,
    });
    outgoing.setTimeout(options.timeoutMs, () => outgoing.destroy(new Error("it does not answer")));
    outgoing.once("error", (cause) =>
      reject(unavailable(`the proxy ${address} cannot be used: ${errorMessage(cause)}`, { cause })),
    );
    outgoing.once("response", (incoming) => {
      const chunks: Buffer[] = [];
      let size = 0;
      incoming.on("data", (chunk: Buffer) => {
        size += chunk.length;
        if (size > MAX_REPLY_BYTES) incoming.destroy(new Error("its reply is too large"));
        else chunks.push(chunk);
      });
      incoming.once("error", (cause) => reject(unavailable(errorMessage(cause), { cause })));
      incoming.once("end", () =>
        resolve({ status: incoming.statusCode ?? 0, text: Buffer.concat(chunks).toString("utf8") }),
      );
    });
    outgoing.end(body);
  });
}

function readKeys(address: string, { status, text }: WebReply): PackedKeys {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw unavailable(`${address} is neither an auth server nor a proxy (status ${status})`, { cause });
  }
  if (status === 200) return packedKeys(json);
  const message = (json as { message?: unknown } | null)?.message;
  throw errorFromHttp(
    status,
    typeof message === "string" ? message : `the proxy answered with status ${status}`,
  );
}
