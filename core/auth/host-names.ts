/** The names that a host certificate carries. A host asks for them; here is decided which it may have. */
import { badParameter } from "../errors/error.js";
import { checkHostName } from "../grammar/host-name.js";
import { isUuidInAnyCase } from "../grammar/uuid.js";
import type { SystemRole } from "../resources/token.js";

/** The domain of the auth API: whoever has a certificate for it is trusted with passwords and keys. */
const API_DOMAIN = "teleport.cluster.local";
const API_ROLES: ReadonlySet<SystemRole> = new Set<SystemRole>(["Auth", "Admin", "Proxy"]);
/** The name under which 4.2's proxies ask for Kubernetes connections. */
const KUBE_PROXY_NAME = `remote.kube.proxy.${API_DOMAIN}`;

/** Which host asks for a certificate, and for what names. */
export interface HostNames {
  readonly hostId: string;
  readonly nodeName: string;
  readonly clusterName: string;
  readonly role: SystemRole;
  readonly principals: readonly string[];
  readonly dnsNames: readonly string[];
  /** The host's own address, which stands in for `0.0.0.0` and `[::]`; may be empty. */
  readonly remoteHost: string;
}

/** Whether a text can be a host id: a UUID, as every 4.x host makes one. */
export function isHostId(text: string): boolean {
  return isUuidInAnyCase(text);
}

/** SSH principals in the order that 4.2 relies on: `<id>.<cluster>` comes first. Throws `bad_parameter`. */
export function sshPrincipals(host: HostNames): string[] {
  const { hostId, nodeName, clusterName, role } = host;
  const own = [`${hostId}.${clusterName}`, hostId];
  const named = nodeName === "" ? [] : [`${nodeName}.${clusterName}`, nodeName];
  const extra = role === "Proxy" ? ["127.0.0.1"] : [];
  // 4.2's Admin identity is known by its id alone; the cluster's name behind it makes it equal to the others.
  const base = role === "Admin" ? [hostId, `${hostId}.${clusterName}`] : [...own, ...named];
  return allowed(host, [...base, ...host.principals, ...extra]);
}

/** Subject alternative names of the TLS certificate. Throws `bad_parameter`. */
export function tlsNames(host: HostNames): string[] {
  const api = API_ROLES.has(host.role) ? [`*.${API_DOMAIN}`, API_DOMAIN] : [];
  return [...new Set([...allowed(host, host.principals), ...api, ...allowed(host, host.dnsNames)])];
}

function allowed(host: HostNames, names: readonly string[]): string[] {
  const result = new Set<string>();
  for (const name of names.map((name) => withAddress(name, host.remoteHost))) {
    if (name !== "") {
      requireAllowed(host, name);
      result.add(name);
    }
  }
  return [...result];
}

function withAddress(name: string, remoteHost: string): string {
  return name === "0.0.0.0" || name === "::" || name === "[::]" ? remoteHost : name;
}

function requireAllowed({ hostId, clusterName, role }: HostNames, name: string): void {
  const quoted = JSON.stringify(name);
  checkHostName(name);
  const folded = name.toLowerCase();
  if (
    (folded === API_DOMAIN || folded.endsWith(`.${API_DOMAIN}`)) &&
    !API_ROLES.has(role) &&
    folded !== KUBE_PROXY_NAME
  ) {
    throw badParameter(`${quoted} is reserved for the auth service: take it out of this host's names`);
  }
  const id = folded.endsWith(`.${clusterName.toLowerCase()}`)
    ? folded.slice(0, -clusterName.length - 1)
    : folded;
  if (isHostId(id) && id !== hostId.toLowerCase()) {
    throw badParameter(`${quoted} is the id of another host: take it out of this host's names`);
  }
}
