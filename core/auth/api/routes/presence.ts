import type { Server } from "../../../resources/server.js";
import { resourceField, type JsonObject } from "../request-body.js";
import { requireDefaultNamespace, route, type Route } from "../route.js";

/** Endpoints of the servers that announce themselves. */
export const presenceRoutes: readonly Route[] = [
  route("GET", "/namespaces/:namespace/nodes", (api, call) => api.getNodes(call.param("namespace"))),
  route("POST", "/namespaces/:namespace/nodes", async (api, call) => {
    requireDefaultNamespace(call);
    const { serverName, namespace, leaseId, expires } = await api.upsertNode(server(call.body(), "node"));
    return {
      server_name: serverName,
      namespace,
      lease_id: leaseId,
      expires: expires ?? "0001-01-01T00:00:00Z",
    };
  }),
  route("DELETE", "/namespaces/:namespace/nodes/:name", (api, call) =>
    api.deleteNode(call.param("namespace"), call.param("name")),
  ),
  route("GET", "/proxies", (api) => api.getProxies()),
  route("POST", "/proxies", (api, call) => api.upsertProxy(server(call.body(), "proxy"))),
  route("DELETE", "/proxies/:name", (api, call) => api.deleteProxy(call.param("name"))),
  route("GET", "/authservers", (api) => api.getAuthServers()),
];

/** The server of a heartbeat. Proxies of 4.2 announce themselves as nodes: the path decides. */
function server(body: JsonObject, kind: Server["kind"]): Server {
  return { ...resourceField<Server>(body, "server"), kind };
}
