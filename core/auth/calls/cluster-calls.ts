import { accessDenied } from "../../errors/error.js";
import { withoutPrivateKeys } from "../../resources/authority-codec.js";
import { VERSION } from "../../grammar/version.js";
import type { AuthApi } from "../client/api.js";
import { checkedAuthority } from "../authority-check.js";
import { fromBase64 } from "../base64.js";
import type { CallScope } from "./scope.js";

/** The cluster itself: names, authorities, settings, and changes to all of it. */
export function clusterCalls({
  may,
  services,
}: CallScope): Pick<
  AuthApi,
  | "ping"
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
  | "getNamespaces"
  | "getNamespace"
> {
  const { clusterName, clusterSettings, stores } = services;
  const requireAuthorities = async (loadKeys: boolean, list: boolean): Promise<void> => {
    await may.require("cert_authority", ...(list ? ["list"] : []), loadKeys ? "read" : "readnosecrets");
  };
  /** Whoever sets an authority can make any caller. */
  const requireAdmin = (): void => {
    if (!may.isAdmin()) throw accessDenied("this request can be only executed by an admin");
  };
  return {
    ping: () => Promise.resolve({ clusterName, serverVersion: VERSION }),
    getDomainName: () => Promise.resolve(clusterName),
    async getClusterCaCert() {
      const { value } = await stores.authorities.get("host", clusterName);
      return (value.spec.tls_key_pairs ?? []).map(({ cert }) => fromBase64(cert ?? "")).join("");
    },
    async getCertAuthorities(type, loadKeys = false) {
      await requireAuthorities(loadKeys, true);
      const all = await stores.authorities.list(type);
      return loadKeys ? all : all.map(withoutPrivateKeys);
    },
    async getCertAuthority(type, cluster, loadKeys = false) {
      await requireAuthorities(loadKeys, false);
      const { value } = await stores.authorities.get(type, cluster);
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
      await may.require("cluster_name", "read");
      return stores.settings.clusterName();
    },
    async getClusterConfig() {
      await may.require("cluster_config", "read");
      return stores.settings.clusterConfig();
    },
    async setClusterConfig(config) {
      await may.require("cluster_config", "create", "update");
      return clusterSettings.setConfig(config);
    },
    async getAuthPreference() {
      await may.require("cluster_auth_preference", "read");
      return stores.settings.authPreference();
    },
    async setAuthPreference(preference) {
      await may.require("cluster_auth_preference", "create", "update");
      return clusterSettings.setAuthPreference(preference);
    },
    async getStaticTokens() {
      await may.require("static_tokens", "read");
      return stores.settings.staticTokens();
    },
    async getNamespaces() {
      await may.require("namespace", "list", "read");
      return stores.namespaces.list();
    },
    async getNamespace(name) {
      await may.require("namespace", "read");
      return stores.namespaces.get(name);
    },
  };
}
