/** What this host remembers of the storage that it last served the cluster from. */
import { corrupt, hasCode } from "../errors/error.js";
import { EXTENSION_KEYS } from "../grammar/extension-keys.js";
import type { Storage } from "../plugin/storage.js";
import type { StoreSettings } from "../storage/migration/records.js";

const KEY = `${EXTENSION_KEYS}/cluster_storage`;

/** Reads it from the process store; undefined where this host has never served. Throws `corrupt`. */
export async function rememberedStore(store: Storage): Promise<StoreSettings | undefined> {
  let stored: Partial<StoreSettings>;
  try {
    stored = JSON.parse(Buffer.from((await store.get(KEY)).value).toString()) as Partial<StoreSettings>;
  } catch (error) {
    if (hasCode(error, "not_found")) return undefined;
    if (!(error instanceof SyntaxError)) throw error;
    stored = {};
  }
  const { type, settings } = stored;
  if (typeof type !== "string" || typeof settings !== "object") {
    throw corrupt(`${KEY} in <data_dir>/proc cannot be read: restore that folder from a backup`);
  }
  return { type, settings };
}

/** Writes it to the process store. It may hold passwords, as that store holds keys. */
export async function rememberStore(store: Storage, { type, settings }: StoreSettings): Promise<void> {
  await store.put({ key: KEY, value: Buffer.from(JSON.stringify({ type, settings })) });
}
