/**
 * What a migration writes down. The record lies in the store that the cluster leaves and decides where the cluster is;
 * the mark lies in the store that it goes to.
 */
import { corrupt, hasCode, type Revision, type Storage } from "@teleport/plugin";
import { EXTENSION_KEYS } from "../../grammar/extension-keys.js";

/** All that belongs to a store rather than to the cluster: never copied. */
export const STORE_KEYS = `${EXTENSION_KEYS}/storage/`;
/** Where the {@link MigrationRecord} lies. */
export const RECORD_KEY = `${STORE_KEYS}migration`;
/** Where the {@link StoreMark} lies. */
export const MARK_KEY = `${STORE_KEYS}mark`;
/** Where each auth service of the store tells that it is there. */
export const MEMBER_KEYS = `${STORE_KEYS}members/`;
/** Where the {@link LastMove} lies. */
export const LAST_MOVE_KEY = `${STORE_KEYS}last_move`;
/** Written to a target and looked for in the source, to find out that both are one store. */
export const PROBE_KEY = `${STORE_KEYS}probe`;

/** A backend's name and its keys of teleport.yaml. Secret: it may hold passwords. */
export interface StoreSettings {
  readonly type: string;
  readonly settings: Readonly<Record<string, unknown>>;
}

/** A host of the cluster. */
export interface HostName {
  readonly id: string;
  readonly name: string;
}

/** A cluster as its store names it. */
export interface ClusterIdentity {
  readonly id: string;
  readonly name: string;
}

/**
 * How far a migration is. Until `committed` the cluster is where the record lies, from then on it is in the target. Only
 * `copying` → `freezing` → `frozen` → `committed` and any of the first three → `aborted` occur, each by compareAndSwap.
 */
export type MigrationPhase = "copying" | "freezing" | "frozen" | "committed" | "aborted";

/** The migration out of the store that holds this record. */
export interface MigrationRecord {
  readonly version: 1;
  readonly id: string;
  /** The fencing number: the epoch of the target. */
  readonly epoch: number;
  readonly phase: MigrationPhase;
  readonly leader: HostName;
  /** Unix milliseconds; a migration before its commit whose leader has not renewed this is dead and may be aborted. */
  readonly untilMs: number;
  /** RFC 3339. */
  readonly startedAt: string;
  /** When the phase began; RFC 3339. */
  readonly changedAt: string;
  readonly target: StoreSettings;
  /** Whether the target bears the mark of this migration; the others open it then. */
  readonly claimed: boolean;
  /** Items copied so far. */
  readonly copied: number;
  /** Why it was aborted. */
  readonly reason?: string;
}

/** What a store that a cluster has moved into, or is moving into, says of itself. */
export interface StoreMark {
  readonly version: 1;
  /** Of the migration that filled it. */
  readonly id: string;
  readonly epoch: number;
  /** `filling`: incomplete. `ready`: complete; the record in `source` says whether it counts. `serving`: it counts. */
  readonly phase: "filling" | "ready" | "serving";
  readonly cluster: ClusterIdentity;
  /** Where the record lies; gone once the store is serving. */
  readonly source?: StoreSettings;
}

/** What came of a migration. */
export interface MigrationReport {
  readonly id: string;
  /** Types of the backends. */
  readonly from: string;
  readonly to: string;
  /** Items of the cluster when it moved. */
  readonly items: number;
  readonly bytes: number;
  /** Writes to the target beyond one per item, because items changed while they were copied. */
  readonly rewrites: number;
  /** How long writes were held back. */
  readonly pauseMs: number;
  readonly totalMs: number;
  /** RFC 3339. */
  readonly finishedAt: string;
}

/** How the cluster came into the store that holds this: for administrators, nothing is decided by it. */
export interface LastMove extends MigrationReport {
  readonly version: 1;
  readonly leader: HostName;
  /** RFC 3339. */
  readonly startedAt: string;
}

/** A record with the revision that the next step must meet. */
export interface Stored<T> {
  readonly value: T;
  readonly revision: Revision;
}

/** The migration record of a store. Throws `corrupt` for one that cannot be read. */
export function readRecord(storage: Storage): Promise<Stored<MigrationRecord> | undefined> {
  return read<MigrationRecord>(storage, RECORD_KEY);
}

/** The mark of a store. Throws `corrupt` for one that cannot be read. */
export function readMark(storage: Storage): Promise<Stored<StoreMark> | undefined> {
  return read<StoreMark>(storage, MARK_KEY);
}

/** How the cluster came into a store; undefined where that was not by a migration that ended well. */
export async function readLastMove(storage: Storage): Promise<LastMove | undefined> {
  return (await read<LastMove>(storage, LAST_MOVE_KEY))?.value;
}

/** A record from the bytes of its item. Throws `corrupt`. */
export function parseRecord(value: Uint8Array): MigrationRecord {
  return parse<MigrationRecord>(RECORD_KEY, value);
}

/** The bytes of a record, mark or member. */
export function encode(value: object): Uint8Array {
  return Buffer.from(JSON.stringify(value));
}

/** Reads what {@link encode} wrote under a key, or undefined where there is nothing. */
export async function read<T extends { readonly version: 1 }>(
  storage: Storage,
  key: string,
): Promise<Stored<T> | undefined> {
  try {
    const { value, revision } = await storage.get(key);
    return { value: parse<T>(key, value), revision };
  } catch (error) {
    if (hasCode(error, "not_found")) return undefined;
    throw error;
  }
}

/** Reads the bytes that {@link encode} made. Throws `corrupt`. */
export function parse<T extends { readonly version: 1 }>(key: string, value: Uint8Array): T {
  let found: Partial<T> | null;
  try {
    found = JSON.parse(Buffer.from(value).toString()) as Partial<T> | null;
  } catch (error) {
    throw corrupt(`${key} in the storage is not JSON; restore it from a backup`, { cause: error });
  }
  if (found?.version !== 1) {
    throw corrupt(`${key} in the storage was written by another release; start that release`);
  }
  return found as T;
}
