import { createHash, randomUUID } from "node:crypto";
import type { AttributeValue } from "@aws-sdk/client-dynamodb";
import { corrupt, type Clock, type Item, type NewItem, type Revision } from "@teleport/plugin";

/** The hash key of every row, and what stands before each key in the sort key, as in 4.2. */
export const HASH_KEY = "teleport";
export const KEY_PREFIX = "teleport";

/** A row of the table, as the SDK gives and takes it. */
export type Row = Record<string, AttributeValue>;

/** The primary key of a row. */
export function rowKey(key: string): { HashKey: AttributeValue; FullPath: AttributeValue } {
  return { HashKey: { S: HASH_KEY }, FullPath: { S: KEY_PREFIX + key } };
}

/** Makes rows in the format of 4.2, and an attribute `Revision` that 4.2 leaves alone or drops. */
export class RowWriter {
  #lastId = 0n;

  constructor(private readonly clock: Clock) {}

  /** The row of an item, and its revision. The value is copied: the caller may go on using the buffer. */
  row(item: NewItem): { row: Row; tag: string; revision: Revision } {
    const tag = this.tag();
    const expires = item.expires && expirySeconds(item.expires);
    const now = this.clock.now().getTime();
    const row = {
      ...rowKey(item.key),
      Value: { B: new Uint8Array(item.value) },
      Timestamp: { N: String(Math.floor(now / 1000)) },
      ID: { N: String(this.#id(now)) },
      Revision: { S: tag },
      ...(expires !== undefined && { Expires: { N: String(expires) } }),
    };
    return { row, tag, revision: ownRevision(tag, expires) };
  }

  /** A value of the attribute `Revision` that no other write has, here or elsewhere, whatever the clocks say. */
  tag(): string {
    return randomUUID();
  }

  /** Nanoseconds as 4.2 has them, but never the same number twice. */
  #id(nowMs: number): bigint {
    const now = BigInt(nowMs) * 1_000_000n;
    this.#lastId = now > this.#lastId ? now : this.#lastId + 1n;
    return this.#lastId;
  }
}

/** The item that a row holds; undefined where the row is none of ours. Throws `corrupt`. */
export function itemOf(row: Row): Item | undefined {
  const key = keyOf(row);
  if (key === undefined) {
    return undefined;
  }
  const seconds = expiryOf(row, key);
  const value = valueOf(row, key);
  return {
    key,
    value,
    ...(seconds !== undefined && { expires: new Date(Math.min(seconds * 1000, MAX_DATE_MS)) }),
    revision: revisionOf(row, value),
  };
}

/** The key of a row; undefined where the row is none of ours. */
export function keyOf(row: Row): string | undefined {
  const path = row["FullPath"]?.S;
  const ours = row["HashKey"]?.S === HASH_KEY && path?.startsWith(KEY_PREFIX);
  return ours ? path?.slice(KEY_PREFIX.length) : undefined;
}

/** Whether a row has expired: 4.2 shows an item until the second after its expiry begins. */
export function hasExpired(row: Row, nowMs: number): boolean {
  const seconds = expirySecondsOf(row);
  return seconds !== undefined && seconds < nowSeconds(nowMs);
}

/** The expiry of a row in Unix seconds; undefined where it has none. */
export function expirySecondsOf(row: Row): number | undefined {
  const text = row["Expires"]?.N;
  return text === undefined ? undefined : Number(text);
}

/** An expiry in the table's precision. */
export function expirySeconds(expires: Date): number {
  return Math.floor(expires.getTime() / 1000);
}

/** A time in the table's precision. */
export function nowSeconds(nowMs: number): number {
  return Math.floor(nowMs / 1000);
}

/** The revision of an item that this plugin wrote under `tag`. It names the expiry, since 4.2 prolongs without a new tag. */
export function ownRevision(tag: string, seconds: number | undefined): Revision {
  return `${tag}@${seconds ?? ""}`;
}

/** How the condition on a revision is put. */
export type Expected =
  | { readonly by: "tag"; readonly tag: string; readonly expires: string }
  /** Written by 4.2: the row itself must be looked at, since only its value is sure to tell. */
  | { readonly by: "content" };

/** Reads a revision. One that was never given out matches nothing. */
export function readRevision(revision: Revision): Expected {
  if (revision.startsWith(FOREIGN)) {
    return { by: "content" };
  }
  const at = revision.lastIndexOf("@");
  return at === -1
    ? { by: "tag", tag: `no such revision: ${revision}`, expires: "" }
    : { by: "tag", tag: revision.slice(0, at), expires: revision.slice(at + 1) };
}

/** The revision of a row, whoever wrote it. */
export function revisionOf(row: Row, value = row["Value"]?.B ?? new Uint8Array()): Revision {
  const expires = row["Expires"]?.N ?? "";
  const tag = row["Revision"]?.S;
  if (tag !== undefined) {
    return `${tag}@${expires}`;
  }
  const digest = createHash("sha256").update(value).digest("base64url").slice(0, 22);
  return `${FOREIGN}${row["ID"]?.N ?? ""}@${expires}@${digest}`;
}

const FOREIGN = "4.2:";
/** The latest time that a `Date` can express; 4.2 can be made to store later ones, which mean never. */
const MAX_DATE_MS = 8_640_000_000_000_000;

function expiryOf(row: Row, key: string): number | undefined {
  const seconds = expirySecondsOf(row);
  if (row["Expires"] !== undefined && !Number.isFinite(seconds)) {
    throw corrupt(
      `the expiry of ${key} in DynamoDB is not a number: remove the item or its attribute Expires`,
    );
  }
  return seconds;
}

/** 4.2 stores an empty value as NULL; text is what someone else wrote by hand. */
function valueOf(row: Row, key: string): Uint8Array {
  const value = row["Value"];
  if (value === undefined || value.NULL) {
    return new Uint8Array();
  }
  const bytes = value.B ?? (value.S === undefined ? undefined : Buffer.from(value.S));
  if (!bytes) {
    throw corrupt(
      `the value of ${key} in DynamoDB is not binary: remove the item or restore its attribute Value`,
    );
  }
  return bytes;
}
