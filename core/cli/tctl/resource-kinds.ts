/** The kinds that `tctl get` shows: how each is read, and its table (features.md §2.5). */
import type { AuthApi } from "../../auth/client/api.js";
import { badParameter, notFound } from "../../errors/error.js";
import type { CertAuthority } from "../../resources/authority.js";
import type { Resource } from "../../resources/envelope.js";
import type { KeptKind, KeptResource } from "../../resources/kept.js";
import type { Lock } from "../../resources/lock.js";
import type { Role } from "../../resources/role.js";
import type { Server } from "../../resources/server.js";
import { table } from "../table.js";
import { authorityTable, lockTable, roleTable } from "./resource-tables.js";
import { unsupported } from "./resource-reference.js";
import { serverTable } from "./server-table.js";
import { tokenTable } from "./tokens-ls.js";
import { tokenResource } from "../../resources/token-resource.js";

/** Any resource, whatever its kind. */
export type AnyResource = Resource<string, unknown> | KeptResource;

/** What to read. */
export interface Selection {
  /** Absent: all of the kind. */
  readonly name?: string | undefined;
  readonly withSecrets: boolean;
  readonly namespace: string;
}

/** A kind of resource. */
export interface ResourceKind {
  readonly kind: string;
  readonly aliases: readonly string[];
  /** Throws `not_found` for a name that does not exist. */
  read(api: AuthApi, selection: Selection): Promise<readonly AnyResource[]>;
  /** The table of `--format=text`. */
  text(resources: readonly AnyResource[], now: Date): string;
}

/** Declares a kind whose table takes exactly what its `read` gives. */
function kindOf<R extends AnyResource>(
  kind: string,
  aliases: readonly string[],
  read: (api: AuthApi, selection: Selection) => Promise<readonly R[]>,
  text: (resources: readonly R[], now: Date) => string,
): ResourceKind {
  return { kind, aliases, read, text: (resources, now) => text(resources as readonly R[], now) };
}

const KINDS: readonly ResourceKind[] = [
  kindOf(
    "user",
    ["users"],
    async (api, { name, withSecrets }) =>
      name === undefined ? api.getUsers(withSecrets) : [await api.getUser(name, withSecrets)],
    (users) => `${names("User", users)}\n`,
  ),
  kindOf<Role>(
    "role",
    ["roles"],
    async (api, { name }) => (name === undefined ? api.getRoles() : [await api.getRole(name)]),
    roleTable,
  ),
  servers("node", ["nodes"], (api, namespace) => api.getNodes(namespace)),
  servers("proxy", ["proxies"], (api) => api.getProxies()),
  servers("auth_server", ["auth_servers", "auth"], (api) => api.getAuthServers()),
  kindOf<CertAuthority>(
    "cert_authority",
    ["cert_authorities", "cas"],
    async (api, { name, withSecrets }) => {
      const all = [
        ...(await api.getCertAuthorities("host", withSecrets)),
        ...(await api.getCertAuthorities("user", withSecrets)),
      ];
      return named(all, name, "certificate authority");
    },
    authorityTable,
  ),
  kindOf(
    "namespace",
    ["namespaces", "ns"],
    async (api, { name }) => (name === undefined ? api.getNamespaces() : [await api.getNamespace(name)]),
    (namespaces) => names("Name", namespaces),
  ),
  kindOf(
    "token",
    ["tokens"],
    async (api, { name }) => named((await api.getTokens()).map(tokenResource), name, "token"),
    (tokens, now) =>
      tokenTable(
        tokens.map(({ metadata, spec }) => ({
          token: metadata.name,
          expires: metadata.expires ?? "",
          roles: spec.roles,
        })),
        now,
      ),
  ),
  kindOf<Lock>(
    "lock",
    ["locks"],
    async (api, { name }) => named(await api.getLocks(), name, "lock"),
    lockTable,
  ),
  kept("trusted_cluster", ["tc", "cluster", "clusters"]),
  kept("remote_cluster", ["remote_clusters", "rc", "rcs"]),
  kept("tunnel", ["reverse_tunnels", "rts"]),
  kept("github", []),
  kept("oidc", []),
  kept("saml", []),
  kept("access_request", ["access_requests"]),
  singleton("cluster_name", [], (api) => api.getClusterName()),
  singleton("cluster_config", [], (api) => api.getClusterConfig()),
  singleton("cluster_auth_preference", ["cap"], (api) => api.getAuthPreference()),
];

/** Kinds of 4.2 that this release does not have, with their aliases. */
const ABSENT = [["connectors", "connector"]];

/** The kind of a name or alias. Throws `bad_parameter`. */
export function resourceKind(name: string): ResourceKind {
  const found = KINDS.find(({ kind, aliases }) => kind === name || aliases.includes(name));
  if (found) return found;
  const absent = ABSENT.find((names) => names.includes(name));
  throw absent ? badParameter(`'${absent[0]}' is not supported`) : unsupported(name);
}

function servers(
  kind: string,
  aliases: readonly string[],
  read: (api: AuthApi, namespace: string) => Promise<Server[]>,
): ResourceKind {
  return kindOf<Server>(
    kind,
    aliases,
    async (api, { name, namespace }) => {
      const all = await read(api, namespace);
      if (name === undefined) return all;
      // People know hosts by name, not only by UUID; several may share a name.
      const found = all.filter(({ metadata, spec }) => metadata.name === name || spec.hostname === name);
      if (found.length === 0) throw notFound(`${kind} ${JSON.stringify(name)} is not found`);
      return found;
    },
    serverTable,
  );
}

/** A kind of 4.2 that is only kept. */
function kept(kind: KeptKind, aliases: readonly string[]): ResourceKind {
  return kindOf<KeptResource>(
    kind,
    aliases,
    async (api, { name, withSecrets }) =>
      named(await api.getKeptResources(kind, withSecrets), name, kind.replace("_", " ")),
    (resources) => names("Name", resources),
  );
}

function singleton<R extends AnyResource>(
  kind: string,
  aliases: readonly string[],
  read: (api: AuthApi) => Promise<R>,
): ResourceKind {
  return kindOf(
    kind,
    aliases,
    async (api) => [await read(api)],
    (resources) => names("Name", resources),
  );
}

const names = (head: string, resources: readonly AnyResource[]): string =>
  table(
    [head],
    resources.map(({ metadata }) => [metadata.name]),
  );

function named<R extends AnyResource>(all: readonly R[], name: string | undefined, what: string): R[] {
  const found = all.filter(({ metadata }) => name === undefined || metadata.name === name);
  if (name !== undefined && found.length === 0) {
    throw notFound(`${what} ${JSON.stringify(name)} is not found`);
  }
  return found;
}
