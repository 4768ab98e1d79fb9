import { serverLabels } from "../../access/server-labels.js";
import { accessDenied, notFound } from "../../errors/error.js";
import type { ServerStore } from "../../resources/presence.js";
import type { Server } from "../../resources/server.js";
import type { AuthApi } from "../client/api.js";
import { stored } from "./rule-things.js";
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
  const requireRemoval = async (kind: string, servers: ServerStore, name: string): Promise<void> => {
    await may.requireOn(kind, ["delete"], () => stored(serverOf(servers, name)));
    // A user may clear away what rules name; a host nothing but itself.
    if (caller.kind !== "user") may.requireOwnHost(name);
  };
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
      const nodes = await may.visible("node", () => stores.presence.nodes(namespace).list());
      if (caller.kind === "user") {
        const access = await may.userAccess(caller);
        return nodes.filter((node) => access.canSeeServer({ namespace, labels: serverLabels(node) }));
      }
      may.requireHost("Proxy", "Admin");
      return nodes;
    },
    async deleteNode(namespace, name) {
      const nodes = stores.presence.nodes(namespace);
      await requireRemoval("node", nodes, name);
      await nodes.delete(name);
    },
    async upsertProxy(server) {
      await may.require("proxy", "create", "update");
      may.requireOwnHost(server.metadata.name);
      return presence.announceProxy(server, caller.remoteAddress);
    },
    async getProxies() {
      return may.visible("proxy", () => stores.presence.proxies.list());
    },
    async deleteProxy(name) {
      await requireRemoval("proxy", stores.presence.proxies, name);
      await stores.presence.proxies.delete(name);
    },
    async getAuthServers() {
      return may.visible("auth_server", () => stores.presence.authServers.list());
    },
  };
}

async function serverOf(servers: ServerStore, name: string): Promise<Server> {
  const found = (await servers.list()).find(({ metadata }) => metadata.name === name);
  if (found === undefined) throw notFound(`server ${name} is not found`);
  return found;
}
