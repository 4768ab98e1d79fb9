/** Where everything lies in the key-value store: the key layout of 4.2 (storage.md §1), and ours. */
import { badParameter } from "../errors/error.js";
import { EXTENSION_KEYS } from "../grammar/extension-keys.js";
import type { KeyRange } from "../plugin/storage.js";
import { prefixRange } from "../plugin/storage.js";
import type { AuthorityType } from "./authority.js";
import type { KeptKind } from "./kept.js";

/** Where the kinds lie that are only kept. */
const KEPT: Readonly<Record<KeptKind, string>> = {
  trusted_cluster: "/trustedclusters/",
  remote_cluster: "/remoteClusters/",
  tunnel: "/reverseTunnels/",
  github: "/web/connectors/github/connectors/",
  oidc: "/web/connectors/oidc/connectors/",
  saml: "/web/connectors/saml/connectors/",
  access_request: "/access_requests/",
};

/** The keys of the store. Every function throws `bad_parameter` for a name that cannot be part of a key. */
export const keys = {
  clusterName: "/cluster_configuration/name",
  clusterConfig: "/cluster_configuration/general",
  staticTokens: "/cluster_configuration/static_tokens",
  authPreference: "/authentication/preference/general",
  authorities: "/authorities/",
  authority: (type: AuthorityType, cluster: string) => `/authorities/${type}/${segment(cluster)}`,
  authoritiesOf: (type: AuthorityType) => `/authorities/${type}/`,
  namespaces: "/namespaces/",
  namespace: (name: string) => `/namespaces/${segment(name)}/params`,
  roles: "/roles/",
  role: (name: string) => `/roles/${segment(name)}/params`,
  users: "/web/users/",
  /** Everything that belongs to one user. The slash at the end keeps `al` apart from `alice`. */
  ofUser: (user: string) => `/web/users/${segment(user)}/`,
  user: (user: string) => `/web/users/${segment(user)}/params`,
  passwordHash: (user: string) => `/web/users/${segment(user)}/pwd`,
  totpSecret: (user: string) => `/web/users/${segment(user)}/totp`,
  hotp: (user: string) => `/web/users/${segment(user)}/hotp`,
  u2fRegistration: (user: string) => `/web/users/${segment(user)}/u2fregistration`,
  u2fCounter: (user: string) => `/web/users/${segment(user)}/u2fregistrationcounter`,
  usedTotp: (user: string) => `/web/users/${segment(user)}/used_totp`,
  /** Ours: the last accepted TOTP time step. 4.2 leaves it alone and removes it with the user. */
  totpStep: (user: string) => `/web/users/${segment(user)}/totp_step`,
  attempts: (user: string) => `/web/users/${segment(user)}/attempts/`,
  attempt: (user: string, id: string) => `/web/users/${segment(user)}/attempts/${segment(id)}`,
  webSession: (user: string, id: string) => `/web/users/${segment(user)}/sessions/${segment(id)}`,
  tokens: "/tokens/",
  token: (token: string) => `/tokens/${segment(token)}`,
  /** Ours: tokens that admit one host. 4.2 must not see them, since it would take them for reusable ones. */
  singleUseTokens: `${EXTENSION_KEYS}/single_use_tokens/`,
  singleUseToken: (token: string) => `${EXTENSION_KEYS}/single_use_tokens/${segment(token)}`,
  signupTokens: "/addusertokens/",
  signupToken: (token: string) => `/addusertokens/${segment(token)}`,
  nodes: (namespace: string) => `/nodes/${segment(namespace)}/`,
  node: (namespace: string, id: string) => `/nodes/${segment(namespace)}/${segment(id)}`,
  proxies: "/proxies/",
  proxy: (id: string) => `/proxies/${segment(id)}`,
  authServers: "/authservers/",
  authServer: (id: string) => `/authservers/${segment(id)}`,
  keptOf: (kind: KeptKind) => KEPT[kind],
  kept: (kind: KeptKind, name: string) =>
    KEPT[kind] + segment(name) + (kind === "access_request" ? "/params" : ""),
  tunnels: "/reverseTunnels/",
  tunnelConnections: "/tunnelConnections/",
  /** Ours: 4.2 has no locks. */
  locks: `${EXTENSION_KEYS}/locks/`,
  lock: (name: string) => `${EXTENSION_KEYS}/locks/${segment(name)}`,
  /** Ours: the names of the preset roles that the cluster has been given. */
  presetRoles: `${EXTENSION_KEYS}/preset_roles`,
  /** Ours: the places that a user's connections take, where a role limits their number. */
  connectionPlaces: (user: string) => `${EXTENSION_KEYS}/connections/${segment(user)}`,
  /** Ours: which host a session belongs to. */
  sessionOwner: (id: string) => `${EXTENSION_KEYS}/session_owners/${segment(id)}`,
  /** Ours: what a measurement of the storage writes, each below its own id. */
  storageBench: (id: string) => `${EXTENSION_KEYS}/storage_bench/${segment(id)}/`,
  /** Ours: there while a measurement runs. */
  storageBenchMark: `${EXTENSION_KEYS}/storage_bench_running`,
  liveSessions: (namespace: string) => `/namespaces/${segment(namespace)}/sessions/active/`,
  liveSession: (namespace: string, id: string) =>
    `/namespaces/${segment(namespace)}/sessions/active/${segment(id)}`,
} as const;

/** The range of everything below a key that ends with a slash. */
export function below(prefix: string): KeyRange {
  if (!prefix.endsWith("/")) {
    throw badParameter(`the prefix ${prefix} must end with a slash, or it covers its neighbours too`);
  }
  return prefixRange(prefix);
}

/** Whether a text can be one part of a key. */
export function isKeySegment(text: string): boolean {
  return /^[0-9A-Za-z@_:.-]{1,256}$/.test(text) && text !== "." && text !== "..";
}

function segment(text: string): string {
  if (!isKeySegment(text)) {
    throw badParameter(
      "special characters are not allowed in resource names, please use name composed only from characters, hyphens and dots",
    );
  }
  return text;
}
