import { z } from "zod";
import type { Storage } from "../plugin/storage.js";
import { createCodec } from "./codec.js";
import { createCollection } from "./collection.js";
import { keys } from "./keys.js";

/** Which preset roles a cluster has been given so far: none of them is made twice. */
export interface PresetRecord {
  names(): Promise<readonly string[]>;
  put(names: readonly string[]): Promise<void>;
}

const codec = createCodec<{ roles: string[] }>(
  "list of preset roles",
  z.object({ roles: z.array(z.string()) }),
);

/** The record in a backend, under a prefix of ours. */
export function createPresetRecord(storage: Storage): PresetRecord {
  const collection = createCollection(storage, codec);
  return {
    names: async () => (await collection.find(keys.presetRoles))?.value.roles ?? [],
    put: async (names) => void (await collection.put(keys.presetRoles, { roles: [...names] })),
  };
}
