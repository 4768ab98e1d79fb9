import { badParameter } from "../../errors/error.js";

/** What a client asks the proxy to connect it to. */
export interface ProxyTarget {
  /** Empty only where the auth API of a cluster is wanted. */
  readonly host: string;
  /** 0 = any port the node is registered with. */
  readonly port: number;
  readonly namespace: string;
  /** Empty = the cluster of the certificate's route, else the proxy's own. */
  readonly cluster: string;
}

const PREFIX = "proxy:";

/**
 * Reads a subsystem name of the grammar `proxy:host:port`, `proxy:host:port@cluster`,
 * `proxy:host:port@namespace@cluster` or `proxy:@cluster` (wire.md §3.5). Throws `bad_parameter`.
 */
export function parseProxySubsystem(name: string): ProxyTarget {
  const invalid = (): Error =>
    badParameter(`invalid format for proxy request: "${name}", expected 'proxy:host:port@cluster'`);
  if (!name.startsWith(PREFIX)) throw invalid();
  const [target = "", ...rest] = name.slice(PREFIX.length).split("@");
  const namespace = rest.length > 1 ? rest[0]! : "default";
  const cluster = rest.length > 1 ? rest.slice(1).join("@") : (rest[0] ?? "");
  if (target === "") {
    if (cluster === "") throw invalid();
    return { host: "", port: 0, namespace, cluster };
  }
  const { host, port } = splitHostPort(target, invalid);
  return { host, port, namespace, cluster };
}

/** The target of a direct-tcpip channel, as `ssh -J` and `-W` open it. Throws `bad_parameter`. */
export function directTarget(host: string, port: number): ProxyTarget {
  // An empty host would mean the auth API, which is for those who ask for it by name.
  if (host === "" || port > 65535) throw badParameter(`invalid target "${host}" port ${port}`);
  return { host: host.replace(/^\[(.*)\]$/, "$1"), port, namespace: "default", cluster: "" };
}

function splitHostPort(text: string, invalid: () => Error): { host: string; port: number } {
  const match = /^(?:\[([^\]]+)\]|([^:]*))(?::(\d*))?$/.exec(text);
  const host = match?.[1] ?? match?.[2] ?? "";
  const port = match?.[3] ? Number(match[3]) : 0;
  if (!match || host === "" || port > 65535) throw invalid();
  return { host, port };
}
