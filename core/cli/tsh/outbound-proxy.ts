/**
 * The proxies that `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and `NO_PROXY` name (in either letter case) for connections
 * to Teleport's own proxy. Both the web and the SSH side are encrypted streams, so `CONNECT` carries either; the proxy
 * resolves the host's name.
 */
import { BlockList, isIP } from "node:net";
import { badParameter } from "../../errors/error.js";
import type { Address } from "../../grammar/address.js";

/** An HTTP proxy that carries connections. */
export interface OutboundProxy {
  readonly address: Address;
  /** Whether the connection to the proxy itself is encrypted. */
  readonly secure: boolean;
  /** Value of `Proxy-Authorization`; a secret. */
  readonly authorization: string | undefined;
}

const VARIABLES = ["HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY"];
const DEFAULT_PORTS: Readonly<Record<string, number>> = { "http:": 80, "https:": 443 };

/** The proxy for connections to an address; undefined for a direct one. Throws `bad_parameter`. */
export function outboundProxy(
  target: Address,
  env: NodeJS.ProcessEnv = process.env,
): OutboundProxy | undefined {
  const [name, value] = firstSet(env, VARIABLES) ?? [];
  if (name === undefined || value === undefined) return undefined;
  if (isExempt(target, firstSet(env, ["NO_PROXY"])?.[1] ?? "")) return undefined;
  return parseProxy(name, value);
}

/** Loopback hosts are always reached directly: another machine's loopback is another place. */
function isExempt({ host, port }: Address, noProxy: string): boolean {
  const name = host.toLowerCase();
  if (name === "localhost" || name === "::1" || (isIP(name) === 4 && name.startsWith("127."))) return true;
  return noProxy
    .toLowerCase()
    .split(/[\s,]+/)
    .filter((pattern) => pattern !== "")
    .some((pattern) => covers(pattern, name, port));
}

/** A pattern of `NO_PROXY`: `*`, an address, a CIDR block, or a domain with all below it; with a port or without. */
function covers(pattern: string, host: string, port: number): boolean {
  if (pattern === "*") return true;
  if (pattern.includes("/")) return inBlock(pattern, host);
  const [, bracketed, plain, digits] = /^(?:\[(.*)\]|([^:]*))(?::(\d+))?$/.exec(pattern) ?? [, , pattern];
  if (digits !== undefined && Number(digits) !== port) return false;
  const name = (bracketed ?? plain ?? "").replace(/^\*?\./, "");
  return name !== "" && (host === name || (isIP(host) === 0 && host.endsWith(`.${name}`)));
}

function inBlock(pattern: string, host: string): boolean {
  const [network = "", bits = ""] = pattern.split("/");
  const family = isIP(network);
  if (family === 0 || isIP(host) !== family || !/^\d{1,3}$/.test(bits)) return false;
  if (Number(bits) > (family === 4 ? 32 : 128)) return false;
  const block = new BlockList();
  const type = family === 4 ? "ipv4" : "ipv6";
  block.addSubnet(network, Number(bits), type);
  return block.check(host, type);
}

/** The value is not repeated in errors: it may hold a password. */
function parseProxy(name: string, value: string): OutboundProxy {
  const text = value.includes("://") ? value : `http://${value}`;
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const defaultPort = DEFAULT_PORTS[url?.protocol ?? ""];
  if (url === undefined || url.hostname === "" || defaultPort === undefined) {
    throw badParameter(
      `${name} is not the address of a proxy, expected http://host:port or https://host:port`,
    );
  }
  const { username, password, protocol } = url;
  const credentials = `${decode(username, name)}:${decode(password, name)}`;
  return {
    address: {
      host: url.hostname.replace(/^\[(.*)\]$/, "$1"),
      port: url.port === "" ? defaultPort : Number(url.port),
    },
    secure: protocol === "https:",
    authorization: credentials === ":" ? undefined : `Basic ${Buffer.from(credentials).toString("base64")}`,
  };
}

function decode(text: string, name: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw badParameter(`the user or password in ${name} is not percent-encoded correctly`);
  }
}

function firstSet(
  env: NodeJS.ProcessEnv,
  names: readonly string[],
): readonly [name: string, value: string] | undefined {
  for (const name of names.flatMap((upper) => [upper, upper.toLowerCase()])) {
    const value = env[name];
    if (value) return [name, value];
  }
  return undefined;
}
