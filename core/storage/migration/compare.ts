/** Two stores side by side. */
import { createHash } from "node:crypto";
import type { Item, KeyRange, Storage } from "@teleport/plugin";
import { compareKeys } from "../key-order.js";
import { STORE_KEYS } from "./records.js";

/** Every key there can be. */
export const EVERYTHING: KeyRange = { start: "", end: "\x7f" };
/** Backends keep expiry to the second, rounded up or down. */
const EXPIRY_TOLERANCE_MS = 1000;

/** What a comparison has found. */
export interface Comparison {
  /** Items of the first store. */
  readonly items: number;
  /** SHA-256 over keys and values of the first store, in key order; hex. */
  readonly digest: string;
  /** Keys that one store lacks, or whose values or expiries differ; in key order. */
  readonly differing: readonly string[];
}

/** Options of {@link compareStores}. */
export interface CompareOptions {
  readonly range?: KeyRange;
  /** Items that expire before this time (unix ms) are passed over: one store may have let go of them already. */
  readonly nowMs: number;
  readonly signal?: AbortSignal;
}

/** Compares the items of a cluster in two stores, in one pass over both. */
export async function compareStores(
  one: Storage,
  other: Storage,
  options: CompareOptions,
): Promise<Comparison> {
  const ours = clusterItems(one, options);
  const theirs = clusterItems(other, options);
  const differing: string[] = [];
  const hash = createHash("sha256");
  let items = 0;
  let a = await ours.next();
  let b = await theirs.next();
  while (!a.done || !b.done) {
    const order = a.done ? 1 : b.done ? -1 : compareKeys(a.value.key, b.value.key);
    if (order !== 0) {
      differing.push((order < 0 ? (a.value as Item) : (b.value as Item)).key);
    } else if (!alike(a.value as Item, b.value as Item)) {
      differing.push((a.value as Item).key);
    }
    if (order <= 0 && !a.done) {
      items++;
      digestItem(hash, a.value);
      a = await ours.next();
    }
    if (order >= 0 && !b.done) b = await theirs.next();
  }
  return { items, digest: hash.digest("hex"), differing };
}

/** The items of a cluster in a store: all but what belongs to the store itself. */
export async function* clusterItems(
  storage: Storage,
  { range = EVERYTHING, nowMs, signal }: Partial<CompareOptions>,
): AsyncGenerator<Item, undefined> {
  for await (const item of storage.range(range, signal && { signal })) {
    const goes = nowMs !== undefined && item.expires && item.expires.getTime() <= nowMs + EXPIRY_TOLERANCE_MS;
    if (!goes && !item.key.startsWith(STORE_KEYS)) yield item;
  }
  return undefined;
}

function alike(a: Item, b: Item): boolean {
  const apart = Math.abs((a.expires?.getTime() ?? 0) - (b.expires?.getTime() ?? 0));
  return apart <= EXPIRY_TOLERANCE_MS && Buffer.from(a.value).equals(b.value);
}

/** Adds an item to a digest of a store. */
export function digestItem(hash: ReturnType<typeof createHash>, { key, value }: Item): void {
  hash.update(`${Buffer.byteLength(key)} ${value.length} ${key}`).update(value);
}
