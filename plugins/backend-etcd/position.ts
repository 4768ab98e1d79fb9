import type { Cursor, Revision } from "@teleport/plugin";

/** A revision of ours, read back. */
export interface KnownRevision {
  /** ModRevision: the number of the write that made this item. */
  readonly mod: string;
  /** The lease of the item, so that a conditional write knows its expiry without a read; `0` for none. */
  readonly lease: string;
}

/** A place in the stream of changes. */
export interface Position {
  /** A store revision. */
  readonly revision: number;
  /** The last key delivered of that revision, in base64; absent where all of it is delivered. */
  readonly key?: string | undefined;
}

/**
 * The revision of an item. It names the etcd cluster: a store that was restored from a snapshot is a new one and counts
 * its revisions on from an older number. `cluster` is {@link Cluster.id}.
 */
export function formatRevision(cluster: string, mod: string, lease: string): Revision {
  return lease === "0" ? `${mod}.${cluster}` : `${mod}.${cluster}.${lease}`;
}

/** Reads a revision back; undefined where it is none, or one of another etcd cluster. */
export function parseRevision(cluster: string, revision: Revision): KnownRevision | undefined {
  const match = /^([1-9][0-9]{0,17})\.([0-9a-z]{1,13})(?:\.([1-9][0-9]{0,18}))?$/.exec(revision);
  const [, mod, store, lease] = match ?? [];
  if (mod === undefined || store !== cluster) return undefined;
  return { mod, lease: lease ?? "0" };
}

/** The cursor behind a position. */
export function formatCursor(cluster: string, { revision, key }: Position): Cursor {
  const place = `${cluster}.${revision}`;
  return key === undefined ? place : `${place}.${key}`;
}

/** Reads a cursor back; undefined where it is none, or one of another etcd cluster. */
export function parseCursor(cluster: string, cursor: Cursor): Position | undefined {
  const match = /^([0-9a-z]{1,13})\.([0-9]{1,15})(?:\.([0-9A-Za-z+/=]+))?$/.exec(cursor);
  const [, store, revision, key] = match ?? [];
  if (revision === undefined || store !== cluster) return undefined;
  return { revision: Number(revision), ...(key !== undefined && { key }) };
}
