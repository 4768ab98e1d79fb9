import type { Storage } from "../plugin/storage.js";
import { namespaceCodec } from "./cluster-codec.js";
import type { Namespace } from "./cluster.js";
import { createCollection } from "./collection.js";
import { below, keys } from "./keys.js";

/** Namespaces. */
export interface NamespaceStore {
  /** Throws `not_found`. */
  get(name: string): Promise<Namespace>;
  list(): Promise<Namespace[]>;
  put(namespace: Namespace): Promise<void>;
}

/** The namespaces in a backend. Live sessions lie below the same prefix and are left out. */
export function createNamespaceStore(storage: Storage): NamespaceStore {
  const collection = createCollection(storage, namespaceCodec);
  return {
    get: async (name) => (await collection.get(keys.namespace(name), `namespace ${name} is not found`)).value,
    list: async () =>
      (await collection.list(below(keys.namespaces), (key) => key.endsWith("/params"))).map(
        ({ value }) => value,
      ),
    put: async (namespace) =>
      void (await collection.replace(keys.namespace(namespace.metadata.name), namespace)),
  };
}
