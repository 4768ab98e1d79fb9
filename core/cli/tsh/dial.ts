/** TCP connections to Teleport's proxy: direct, or through the HTTP proxy that the environment names. */
import { request as httpRequest } from "node:http";
import { request as httpsRequest } from "node:https";
import { connect, type Socket } from "node:net";
import { accessDenied, errorMessage, unavailable } from "../../errors/error.js";
import { systemErrorText } from "../../errors/system-error.js";
import { formatAddress, type Address } from "../../grammar/address.js";
import { outboundProxy, type OutboundProxy } from "./outbound-proxy.js";

const TIMEOUT_MS = 30_000;
const PROXY_AUTHENTICATION_REQUIRED = 407;

/** Connects. Throws `unavailable`, or `access_denied` where the HTTP proxy asks for other credentials. */
export function dial(address: Address, signal = AbortSignal.timeout(TIMEOUT_MS)): Promise<Socket> {
  const proxy = outboundProxy(address);
  return proxy === undefined ? dialDirectly(address, signal) : dialThrough(proxy, address, signal);
}

function dialDirectly(address: Address, signal: AbortSignal): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ ...address, noDelay: true, keepAlive: true });
    const give = (cause: Error): void => {
      socket.destroy();
      reject(
        unavailable(`dial tcp ${formatAddress(address)}: ${systemErrorText(cause) ?? errorMessage(cause)}`, {
          cause,
        }),
      );
    };
    const timeOut = (): void => give(new Error("no answer in time"));
    signal.addEventListener("abort", timeOut, { once: true });
    socket.once("error", give);
    socket.once("connect", () => {
      signal.removeEventListener("abort", timeOut);
      socket.off("error", give);
      resolve(socket);
    });
  });
}

function dialThrough(
  { address, secure, authorization }: OutboundProxy,
  target: Address,
  signal: AbortSignal,
): Promise<Socket> {
  const by = `the HTTP proxy ${formatAddress(address)}`;
  return new Promise((resolve, reject) => {
    const outgoing = (secure ? httpsRequest : httpRequest)({
      ...address,
      method: "CONNECT",
      path: formatAddress(target),
      headers: {
        Host: formatAddress(target),
        ...(authorization === undefined ? {} : { "Proxy-Authorization": authorization }),
      },
      agent: false,
      signal,
    });
    const refuse = (status: number): void => {
      reject(
        status === PROXY_AUTHENTICATION_REQUIRED
          ? accessDenied(`${by} asks for a user and password: put them into its address in HTTPS_PROXY`)
          : unavailable(`${by} refused to connect to ${formatAddress(target)} (status ${status})`),
      );
    };
    outgoing.once("connect", (reply, socket: Socket, head) => {
      if (reply.statusCode !== 200) {
        socket.destroy();
        refuse(reply.statusCode ?? 0);
        return;
      }
      if (head.length > 0) socket.unshift(head);
      socket.setNoDelay();
      resolve(socket);
    });
    // A proxy that does not know CONNECT answers as to any other request.
    outgoing.once("response", (reply) => {
      reply.resume();
      refuse(reply.statusCode ?? 0);
    });
    outgoing.once("error", (cause) => {
      const reason = signal.aborted ? "no answer in time" : errorMessage(cause);
      reject(unavailable(`cannot reach ${by}: ${reason}`, { cause }));
    });
    outgoing.end();
  });
}
