import { serverLabels } from "../../access/server-labels.js";
import { accessDenied } from "../../errors/error.js";
import type { AuthApi } from "../client/api.js";
import type { CallScope } from "./scope.js";

/** Heartbeats of nodes, proxies and auth servers. */
export function presenceCalls({
  caller,
  may,
  services,
}: CallScope): Pick<
  AuthApi,
  | "upsertNode"
  | "keepAliveNode"
  | "getNodes"
  | "deleteNode"
  | "upsertProxy"
  | "getProxies"
  | "deleteProxy"
  | "getAuthServers"
> {
  const { presence, stores } = services;
  return {
    async upsertNode(server) {
      await may.require("node", "create", "update");
      may.requireOwnHost(server.metadata.name);
      return presence.announceNode(server, caller.remoteAddress);
    },
    async keepAliveNode(keepAlives) {
      const { hostId } = may.requireHost("Node");
      for await (const keepAlive of keepAlives) {
        if (keepAlive.serverName !== hostId) {
          throw accessDenied(`this host cannot speak for the host ${keepAlive.serverName}`);
        }
        await presence.keepNodeAlive(keepAlive);
      }
    },
    async getNodes(namespace) {
      await may.require("node", "list", "read");
      const nodes = await stores.presence.nodes(namespace).list();
      if (caller.kind === "user") {
        const access = await may.userAccess(caller);
        return nodes.filter((node) => access.canSeeServer({ namespace, labels: serverLabels(node) }));
      }
      may.requireHost("Proxy", "Admin");
      return nodes;
    },
    async deleteNode(namespace, name) {
      await may.require("node", "delete");
      may.requireOwnHost(name);
      await stores.presence.nodes(namespace).delete(name);
    },
    async upsertProxy(server) {
      await may.require("proxy", "create", "update");
      may.requireOwnHost(server.metadata.name);
      return presence.announceProxy(server, caller.remoteAddress);
    },
    async getProxies() {
      await may.require("proxy", "list", "read");
      return stores.presence.proxies.list();
    },
    async deleteProxy(name) {
      await may.require("proxy", "delete");
      may.requireOwnHost(name);
      await stores.presence.proxies.delete(name);
    },
    async getAuthServers() {
      await may.require("auth_server", "list", "read");
      return stores.presence.authServers.list();
    },
  };
}
