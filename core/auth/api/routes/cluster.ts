import { badParameter } from "../../../errors/error.js";
import type { AuthorityType, CertAuthority } from "../../../resources/authority.js";
import type { AuthPreference, ClusterConfig } from "../../../resources/cluster.js";
import { isKeptKind } from "../../../resources/kept-codec.js";
import type { KeptKind } from "../../../resources/kept.js";
import { resourceField } from "../request-body.js";
import { flag, route, type RestCall, type Route } from "../route.js";

/** Endpoints of the cluster itself: its name, settings, authorities and namespaces. */
export const clusterRoutes: readonly Route[] = [
  route("GET", "/domain", (api) => api.getDomainName()),
  route("GET", "/cacert", async (api) => ({
    tls_ca: Buffer.from(await api.getClusterCaCert()).toString("base64"),
  })),
  route("GET", "/authorities/:type", (api, call) =>
    api.getCertAuthorities(authorityType(call.param("type")), flag(call, "load_keys")),
  ),
  route("GET", "/authorities/:type/:domain", (api, call) =>
    api.getCertAuthority(authorityType(call.param("type")), call.param("domain"), flag(call, "load_keys")),
  ),
  route("PUT", "/authorities/:type", (api, call) => api.createCertAuthority(authority(call))),
  route("POST", "/authorities/:type", (api, call) => api.upsertCertAuthority(authority(call))),
  route("GET", "/configuration", (api) => api.getClusterConfig()),
  route("POST", "/configuration", (api, call) =>
    api.setClusterConfig(resourceField<ClusterConfig>(call.body(), "cluster_config")),
  ),
  route("GET", "/configuration/static_tokens", (api) => api.getStaticTokens()),
  route("GET", "/configuration/name", (api) => api.getClusterName()),
  route("GET", "/authentication/preference", (api) => api.getAuthPreference()),
  route("POST", "/authentication/preference", (api, call) =>
    api.setAuthPreference(resourceField<AuthPreference>(call.body(), "cluster_auth_preference")),
  ),
  route("GET", "/kept/:kind", (api, call) =>
    api.getKeptResources(keptKind(call.param("kind")), flag(call, "with_secrets")),
  ),
  route("GET", "/namespaces", (api) => api.getNamespaces()),
  route("GET", "/namespaces/:namespace", (api, call) => api.getNamespace(call.param("namespace"))),
];

/**
 * Lists that proxies of 4.2 read at start and poll (wire.md §6.8). A cluster without trusted clusters has none of
 * these; being told so keeps such a proxy running.
 */
export const trustRoutes: readonly Route[] = ["/remoteclusters", "/reversetunnels", "/tunnelconnections"].map(
  (path) =>
    route("GET", path, async (api) => {
      // Callers who may not even read the cluster's name learn nothing here.
      await api.getClusterName();
      return [];
    }),
);

function authority(call: RestCall): CertAuthority {
  const resource = resourceField<CertAuthority>(call.body(), "ca");
  if (resource.spec.type !== authorityType(call.param("type"))) {
    throw badParameter(`field 'ca' must hold an authority of the type '${call.param("type")}'`);
  }
  return resource;
}

function keptKind(text: string): KeptKind {
  if (!isKeptKind(text)) throw badParameter(`'${text}' is none of the kinds that are only kept`);
  return text;
}

function authorityType(text: string): AuthorityType {
  if (text !== "host" && text !== "user") {
    throw badParameter(`'${text}' is no type of authority, expected 'host' or 'user'`);
  }
  return text;
}
