import type { Storage } from "../plugin/storage.js";
import { createCollection } from "./collection.js";
import { keptCodec } from "./kept-codec.js";
import { KEPT_KINDS, type KeptKind, type KeptResource } from "./kept.js";
import { below, keys } from "./keys.js";
import { optionalTime } from "./rfc3339.js";
import { withStoredExpiry } from "./roles.js";

/** For these only the time inside counts (storage.md §0). */
const INSIDE_ONLY: ReadonlySet<KeptKind> = new Set<KeptKind>(["github", "remote_cluster"]);

/** Resources of the kinds that are only kept. */
export interface KeptStore {
  list(kind: KeptKind): Promise<KeptResource[]>;
  put(resource: KeptResource): Promise<void>;
}

/** The kept resources in a backend, where 4.2 has them. */
export function createKeptStore(storage: Storage): KeptStore {
  const collections = new Map(
    KEPT_KINDS.map((kind) => [kind, createCollection(storage, keptCodec(kind))] as const),
  );
  return {
    async list(kind) {
      const found = await collections.get(kind)!.list(below(keys.keptOf(kind)), (key) => isOwnKey(kind, key));
      return found.map(INSIDE_ONLY.has(kind) ? ({ value }) => value : withStoredExpiry);
    },
    async put(resource) {
      const { kind, metadata } = resource;
      const key = keys.kept(kind, metadata.name);
      await collections.get(kind)!.put(key, resource, optionalTime(metadata.expires));
    },
  };
}

/** Whether a key is a resource's own and not of something below it. */
function isOwnKey(kind: KeptKind, key: string): boolean {
  const rest = key.slice(keys.keptOf(kind).length);
  return kind === "access_request" ? /^[^/]+\/params$/.test(rest) : !rest.includes("/");
}
