import { badParameter, limitExceeded, type KeyRange } from "@teleport/plugin";

/** Longest key of an item, in bytes. */
export const MAX_KEY_BYTES = 4096;

/** Bounds of keys in etcd, end exclusive. */
export interface EtcdRange {
  readonly start: Buffer;
  readonly end: Buffer;
}

/**
 * Where a cluster's items lie in etcd: `<prefix><key>`, as 4.2 has it, so `/teleport/roles/...` and `/teleport.locks/...`.
 * `.` and `/` are neighbours in ASCII: all items are one range, and no other prefix reaches into it.
 */
export class KeySpace {
  readonly #prefix: Buffer;
  /** Every item of the cluster. */
  readonly all: EtcdRange;

  /** `prefix` without a slash at its end. */
  constructor(readonly prefix: string) {
    this.#prefix = Buffer.from(prefix);
    this.all = { start: Buffer.from(`${prefix}.`), end: Buffer.from(`${prefix}0`) };
  }

  /** The etcd key of an item. Throws `bad_parameter` or `limit_exceeded`. */
  encode(key: string): Buffer {
    if (!/^[./]/.test(key) || /\p{Cc}|\p{Cs}/u.test(key)) {
      throw badParameter("a key must be printable characters after a slash or dot");
    }
    const encoded = Buffer.from(this.prefix + key);
    if (encoded.length - this.#prefix.length > MAX_KEY_BYTES) {
      throw limitExceeded(`the key ${key.slice(0, 64)}... is longer than ${MAX_KEY_BYTES} bytes`);
    }
    return encoded;
  }

  /** The item's key of an etcd key from {@link all}. */
  decode(key: Buffer): string {
    return key.toString("utf8", this.#prefix.length);
  }

  /** A range of items; undefined where it is empty. */
  range(range: KeyRange): EtcdRange | undefined {
    const start = latest(Buffer.from(this.prefix + range.start), this.all.start);
    const end = earliest(Buffer.from(this.prefix + range.end), this.all.end);
    return Buffer.compare(start, end) < 0 ? { start, end } : undefined;
  }

  /** The smallest range that holds all keys with any of these prefixes, and one more etcd key; undefined where empty. */
  hull(prefixes: readonly string[], more?: Buffer): EtcdRange | undefined {
    const parts = prefixes.map((prefix) => {
      const start = Buffer.from(this.prefix + prefix);
      const end = prefix === "" ? this.all.end : behindPrefix(start);
      return { start: latest(start, this.all.start), end: earliest(end, this.all.end) };
    });
    if (more) {
      const end = Buffer.concat([more, Buffer.from([0])]);
      parts.push({ start: latest(more, this.all.start), end: earliest(end, this.all.end) });
    }
    return parts
      .filter(({ start, end }) => Buffer.compare(start, end) < 0)
      .reduce<EtcdRange | undefined>(
        (hull, { start, end }) =>
          hull ? { start: earliest(hull.start, start), end: latest(hull.end, end) } : { start, end },
        undefined,
      );
  }
}

/** The first key behind all that start with `prefix`; UTF-8 has no byte 0xff, so the last one can grow. */
function behindPrefix(prefix: Buffer): Buffer {
  const end = Buffer.from(prefix);
  end[end.length - 1] = (end[end.length - 1] ?? 0) + 1;
  return end;
}

function latest(a: Buffer, b: Buffer): Buffer {
  return Buffer.compare(a, b) >= 0 ? a : b;
}

function earliest(a: Buffer, b: Buffer): Buffer {
  return Buffer.compare(a, b) <= 0 ? a : b;
}
