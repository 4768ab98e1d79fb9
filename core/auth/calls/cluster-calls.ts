import { accessDenied } from "../../errors/error.js";
import { withoutPrivateKeys } from "../../resources/authority-codec.js";
import type { CertAuthority } from "../../resources/authority.js";
import { VERSION } from "../../grammar/version.js";
import type { AuthApi } from "../client/api.js";
import { checkedAuthority } from "../authority-check.js";
import { fromBase64 } from "../base64.js";
import { withoutKeptSecrets } from "../../resources/kept-codec.js";
import type { KeptKind } from "../../resources/kept.js";
import { changed, stored } from "./rule-things.js";
import type { CallScope } from "./scope.js";

/** Kinds that the rules of roles speak of as `auth_connector`. */
const RULED_AS_CONNECTORS: ReadonlySet<KeptKind> = new Set<KeptKind>(["github", "oidc", "saml"]);

/** The cluster itself: names, authorities, settings, and changes to all of it. */
export function clusterCalls({
  may,
  services,
}: CallScope): Pick<
  AuthApi,
  | "ping"
  | "staleSince"
  | "getDomainName"
  | "getClusterCaCert"
  | "getCertAuthorities"
  | "getCertAuthority"
  | "createCertAuthority"
  | "upsertCertAuthority"
  | "getClusterName"
  | "getClusterConfig"
  | "setClusterConfig"
  | "getAuthPreference"
  | "setAuthPreference"
  | "getStaticTokens"
  | "getKeptResources"
  | "getNamespaces"
  | "getNamespace"
> {
  const { clusterName, clusterSettings, health, stores } = services;
  const readVerb = (loadKeys: boolean): string => (loadKeys ? "read" : "readnosecrets");
  /** Whoever sets an authority can make any caller. */
  const requireAdmin = (): void => {
    if (!may.isAdmin()) throw accessDenied("this request can be only executed by an admin");
  };
  return {
    ping: () => Promise.resolve({ clusterName, serverVersion: VERSION }),
    staleSince: () => health.staleSince(),
    getDomainName: () => Promise.resolve(clusterName),
    async getClusterCaCert() {
      const { value } = await stores.authorities.get("host", clusterName);
      return (value.spec.tls_key_pairs ?? []).map(({ cert }) => fromBase64(cert ?? "")).join("");
    },
    async getCertAuthorities(type, loadKeys = false) {
      const seen = await may.visible("cert_authority", () => stores.authorities.list(type), {
        verbs: ["list", readVerb(loadKeys)],
        thing: (authority) => ({ resource: withoutPrivateKeys(authority) }),
      });
      return loadKeys ? seen : seen.map(withoutPrivateKeys);
    },
    async getCertAuthority(type, cluster, loadKeys = false) {
      const find = async (): Promise<CertAuthority> => (await stores.authorities.get(type, cluster)).value;
      await may.requireOn("cert_authority", [readVerb(loadKeys)], () =>
        stored(find().then(withoutPrivateKeys)),
      );
      const value = await find();
      return loadKeys ? value : withoutPrivateKeys(value);
    },
    async createCertAuthority(authority) {
      requireAdmin();
      await stores.authorities.create(checkedAuthority(authority, clusterName));
    },
    async upsertCertAuthority(authority) {
      requireAdmin();
      await stores.authorities.put(checkedAuthority(authority, clusterName));
    },
    async getClusterName() {
      await may.requireOn("cluster_name", ["read"], () => stored(stores.settings.clusterName()));
      return stores.settings.clusterName();
    },
    async getClusterConfig() {
      await may.requireOn("cluster_config", ["read"], () => stored(stores.settings.clusterConfig()));
      return stores.settings.clusterConfig();
    },
    async setClusterConfig(config) {
      await may.requireOn("cluster_config", ["create", "update"], () =>
        changed(config, stores.settings.clusterConfig()),
      );
      return clusterSettings.setConfig(config);
    },
    async getAuthPreference() {
      await may.requireOn("cluster_auth_preference", ["read"], () =>
        stored(stores.settings.authPreference()),
      );
      return stores.settings.authPreference();
    },
    async setAuthPreference(preference) {
      await may.requireOn("cluster_auth_preference", ["create", "update"], () =>
        changed(preference, stores.settings.authPreference()),
      );
      return clusterSettings.setAuthPreference(preference);
    },
    async getStaticTokens() {
      await may.requireOn("static_tokens", ["read"], () => stored(stores.settings.staticTokens()));
      return stores.settings.staticTokens();
    },
    async getKeptResources(kind, withSecrets = false) {
      // As in 4.2: what lies in a trusted cluster is for those who may read it at all.
      const hasSecrets = RULED_AS_CONNECTORS.has(kind);
      const seen = await may.visible(hasSecrets ? "auth_connector" : kind, () => stores.kept.list(kind), {
        verbs: ["list", hasSecrets ? readVerb(withSecrets) : "read"],
        thing: (resource) => ({ resource: withoutKeptSecrets(resource) }),
      });
      return withSecrets ? seen : seen.map(withoutKeptSecrets);
    },
    async getNamespaces() {
      return may.visible("namespace", () => stores.namespaces.list());
    },
    async getNamespace(name) {
      await may.requireOn("namespace", ["read"], () => stored(stores.namespaces.get(name)));
      return stores.namespaces.get(name);
    },
  };
}
