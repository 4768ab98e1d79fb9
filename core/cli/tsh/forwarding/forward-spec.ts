/** The arguments of `-L`, `-R` and `-D`, in the forms of ssh(1). IPv6 addresses stand in brackets. */
import { isIPv6 } from "node:net";
import { badParameter } from "../../../errors/error.js";
import type { Address } from "../../../grammar/address.js";
import type { Endpoint } from "./endpoint.js";

/** What to forward: from where one side listens to what the other side connects to. */
export interface ForwardSpec {
  readonly listen: Endpoint;
  readonly target: Endpoint;
}

/** A `-R`. Without a target, whoever connects to the node names it by SOCKS. */
export interface RemoteForwardSpec {
  readonly listen: Endpoint;
  readonly target: Endpoint | undefined;
}

const LOOPBACK = "127.0.0.1";

/**
 * Reads a `-L`: `[ip:]port:host:hostport`, where `[ip:]port`, `host:hostport` or both may be the path of a Unix socket.
 * Without an address tsh listens on 127.0.0.1; `*` means all. Throws `bad_parameter`.
 */
export function parseLocalForward(spec: string): ForwardSpec {
  const fields = split(spec);
  const listen = fields && readListen(fields, LOOPBACK);
  const target = listen && readTarget(listen.rest);
  if (!listen || !target) throw invalid("port", spec, "80:remote.host:80");
  return { listen: listen.endpoint, target };
}

/**
 * Reads a `-R`: as `-L`, with the listener on the node. Without an address the node listens on its loopback interface;
 * `[ip:]port` alone makes it a SOCKS server that connects from here. Throws `bad_parameter`.
 */
export function parseRemoteForward(spec: string): RemoteForwardSpec {
  const fields = split(spec);
  const listen = fields && (readListen(fields, "localhost") ?? readAddress(fields, "localhost"));
  if (listen?.rest.length === 0) return { listen: listen.endpoint, target: undefined };
  const target = listen && readTarget(listen.rest);
  if (!listen || !target) throw invalid("remote port", spec, "8080:localhost:80");
  return { listen: listen.endpoint, target };
}

/** Reads a `-D`: `[ip]:port` as in 4.2, or a port alone. Throws `bad_parameter`. */
export function parseDynamicForward(spec: string): Address {
  const fields = split(spec);
  const listen = fields && readAddress(fields, LOOPBACK);
  if (listen?.rest.length !== 0) throw invalid("dynamic port", spec, "[ip]:1080");
  return listen.endpoint;
}

/** An endpoint at the front of the fields, and the fields behind it. */
interface Read<E extends Endpoint> {
  readonly endpoint: E;
  readonly rest: readonly string[];
}

/** The fields between colons; undefined where brackets do not hold an IPv6 address. */
function split(spec: string): readonly string[] | undefined {
  if (!/^(?:\[[^[\]]*\]|[^:[\]]*)(?::(?:\[[^[\]]*\]|[^:[\]]*))*$/.test(spec)) return undefined;
  const fields = spec.match(/\[[^\]]*\]|[^:[\]]+|(?<=^|:)(?=:|$)/g) ?? [];
  return fields.every((field) => !field.startsWith("[") || isIPv6(field.slice(1, -1))) ? fields : undefined;
}

/** A socket, or an address that leaves enough fields for a target. */
function readListen(fields: readonly string[], defaultHost: string): Read<Endpoint> | undefined {
  const [first = "", ...rest] = fields;
  if (isPath(first)) return rest.length === 0 ? undefined : { endpoint: { path: first }, rest };
  const isTarget = (left: readonly string[]): boolean => left.length === 2 || isPath(left[0] ?? "");
  if (isTarget(fields.slice(1)) && isPort(first)) {
    return { endpoint: { host: defaultHost, port: Number(first) }, rest };
  }
  return isTarget(fields.slice(2)) ? readAddress(fields, defaultHost) : undefined;
}

/** `[ip:]port`. */
function readAddress(fields: readonly string[], defaultHost: string): Read<Address> | undefined {
  const [first = "", second] = fields;
  if (fields.length === 1 && isPort(first)) {
    return { endpoint: { host: defaultHost, port: Number(first) }, rest: [] };
  }
  if (second === undefined || !isPort(second) || isPath(first)) return undefined;
  const host = first === "*" ? "" : bare(first) || defaultHost;
  return { endpoint: { host, port: Number(second) }, rest: fields.slice(2) };
}

function readTarget(fields: readonly string[]): Endpoint | undefined {
  const [first = "", second] = fields;
  if (isPath(first)) return fields.length === 1 ? { path: first } : undefined;
  if (fields.length !== 2 || first === "" || !isPort(second ?? "") || Number(second) === 0) return undefined;
  return { host: bare(first), port: Number(second) };
}

const isPath = (field: string): boolean => field.includes("/");
const isPort = (field: string): boolean => /^\d{1,5}$/.test(field) && Number(field) <= 65535;
const bare = (field: string): string => field.replace(/^\[(.*)\]$/, "$1");

function invalid(kind: string, spec: string, example: string): Error {
  return badParameter(`Invalid ${kind} forwarding spec: '${spec}'. Could be like \`${example}\``);
}
