import { hasCode, notFound } from "../errors/error.js";
import type { Storage } from "../plugin/storage.js";
import { createCollection } from "./collection.js";
import { below, keys } from "./keys.js";
import { optionalTime } from "./rfc3339.js";
import { withStoredExpiry } from "./roles.js";
import { serverCodec } from "./server-codec.js";
import type { Server } from "./server.js";

/** Heartbeats of one kind of host. */
export interface ServerStore {
  list(): Promise<Server[]>;
  /** Writes a heartbeat; it lives until `metadata.expires`. */
  put(server: Server): Promise<void>;
  /** Lets a heartbeat live longer. Throws `not_found` where it has expired: the host must announce itself anew. */
  keepAlive(name: string, expires: Date): Promise<void>;
  /** Throws `not_found`. */
  delete(name: string): Promise<void>;
}

/** Who is there: nodes, proxies and auth servers. */
export interface PresenceStore {
  nodes(namespace: string): ServerStore;
  readonly proxies: ServerStore;
  readonly authServers: ServerStore;
}

/** The heartbeats in a backend. */
export function createPresenceStore(storage: Storage): PresenceStore {
  return {
    nodes: (namespace) =>
      serverStore(storage, "node", keys.nodes(namespace), (name) => keys.node(namespace, name)),
    proxies: serverStore(storage, "proxy", keys.proxies, keys.proxy),
    authServers: serverStore(storage, "auth_server", keys.authServers, keys.authServer),
  };
}

function serverStore(
  storage: Storage,
  kind: Server["kind"],
  prefix: string,
  keyOf: (name: string) => string,
): ServerStore {
  const collection = createCollection(storage, serverCodec(kind));
  const named =
    (name: string) =>
    (error: unknown): never => {
      throw hasCode(error, "not_found")
        ? notFound(`${kind.replace("_", " ")} ${name} is not found`, { cause: error })
        : error;
    };
  return {
    list: async () => (await collection.list(below(prefix))).map(withStoredExpiry),
    put: async (server) =>
      void (await collection.put(keyOf(server.metadata.name), server, optionalTime(server.metadata.expires))),
    keepAlive: async (name, expires) =>
      void (await storage.keepAlive(keyOf(name), expires).catch(named(name))),
    delete: (name) => storage.delete(keyOf(name)).catch(named(name)),
  };
}
