import { request } from "node:https";
import { errorMessage, unavailable } from "../../errors/error.js";
import { parseAddress } from "../../grammar/address.js";
import type { PackedKeys, RegisterRequest } from "./api.js";
import { errorFromHttp } from "./error-mapping.js";
import { object } from "./reply-shape.js";

/** The port of a proxy's web API. */
const WEB_PORT = 3080;
const MAX_REPLY_BYTES = 1024 * 1024;

const packedKeys = object<PackedKeys>("cert", "tls_cert", "tls_ca_certs", "ssh_ca_certs");

/**
 * Joins through a proxy's web API, which passes the request on to the auth service (wire.md §6.5). The proxy is
 * verified against the system's certificate authorities, unless `insecure`.
 */
export function registerThroughProxy(
  address: string,
  registration: RegisterRequest,
  options: { insecure: boolean; timeoutMs: number; signal: AbortSignal },
): Promise<PackedKeys> {
  const { host, port } = parseAddress(address, WEB_PORT);
  const body = Buffer.from(JSON.stringify(registration));
  return new Promise((resolve, reject) => {
    const outgoing = request({
      host,
      port,
      method: "POST",
      path: "/v1/webapi/host/credentials",
      headers: { "content-type": "application/json", "content-length": body.length },
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
      incoming.once("end", () => {
        try {
          resolve(readReply(address, incoming.statusCode ?? 0, Buffer.concat(chunks).toString("utf8")));
        } catch (error) {
          reject(error);
        }
      });
    });
    outgoing.end(body);
  });
}

function readReply(address: string, status: number, text: string): PackedKeys {
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
