import { unavailable } from "@teleport/plugin";

/** What is needed of a stored pair; etcd's `mvccpb.KeyValue` without the rest. */
export interface Pair {
  readonly key: Buffer;
  readonly value: Buffer;
  readonly mod_revision: string;
  /** `0` for none. */
  readonly lease: string;
}

/**
 * An answer of etcd to a range (`etcdserverpb.RangeResponse`) whose pairs are decoded when they are asked for: a large
 * page, read a slice at a time, does not hold up the event loop. The pairs share the memory of the page.
 */
export class RangePage {
  readonly header: { readonly cluster_id: string; readonly revision: string };
  readonly more: boolean;
  readonly #pairs: readonly Buffer[];

  /** Throws `unavailable` where the message is cut off. */
  constructor(private readonly message: Buffer) {
    const pairs: Buffer[] = [];
    let header: Buffer | undefined;
    let more = false;
    eachField(message, (field, value) => {
      if (field === 1 && typeof value === "object") header = value;
      else if (field === 2 && typeof value === "object") pairs.push(value);
      else if (field === 3) more = value !== 0n && value !== 0;
    });
    let [cluster, revision] = ["0", "0"];
    eachField(header ?? Buffer.alloc(0), (field, value) => {
      if (field === 1) cluster = String(value);
      else if (field === 3) revision = String(value);
    });
    this.header = { cluster_id: cluster, revision };
    this.more = more;
    this.#pairs = pairs;
  }

  /** Size of the message in bytes. */
  get bytes(): number {
    return this.message.length;
  }

  /** How many pairs there are. */
  get length(): number {
    return this.#pairs.length;
  }

  /** The pairs of some places, end exclusive. */
  slice(start: number, end: number): Pair[] {
    return this.#pairs.slice(start, end).map(pairOf);
  }

  /** The key of the last pair; undefined where there is none. */
  get lastKey(): Buffer | undefined {
    const last = this.#pairs.at(-1);
    return last && pairOf(last).key;
  }
}

function pairOf(message: Buffer): Pair {
  let [key, value] = [NOTHING, NOTHING];
  let [mod, lease] = ["0", "0"];
  eachField(message, (field, content) => {
    if (field === 1 && typeof content === "object") key = content;
    else if (field === 5 && typeof content === "object") value = content;
    else if (field === 3) mod = String(content);
    else if (field === 6) lease = String(content);
  });
  return { key, value, mod_revision: mod, lease };
}

const NOTHING: Buffer = Buffer.alloc(0);
const VARINT = 0;
const BYTES = 2;

/**
 * Calls back for each field of a protobuf message with its number and its content; numbers are unsigned. etcd's ranges
 * have numbers and byte strings only. https://protobuf.dev/programming-guides/encoding
 */
function eachField(message: Buffer, take: (field: number, content: Buffer | number | bigint) => void): void {
  let at = 0;
  const byte = (): number => {
    const next = message[at++];
    if (next === undefined) throw unavailable("an answer of etcd is cut off; try again");
    return next;
  };
  /** As a number as long as it is exact. */
  const varint = (): number | bigint => {
    let low = 0;
    let factor = 1;
    for (let count = 0; count < 7; count++) {
      const next = byte();
      low += (next & 0x7f) * factor;
      if (next < 0x80) return low;
      factor *= 0x80;
    }
    let number = BigInt(low);
    for (let shift = 49n; ; shift += 7n) {
      const next = byte();
      number |= BigInt(next & 0x7f) << shift;
      if (next < 0x80) return number;
    }
  };
  while (at < message.length) {
    const tag = Number(varint());
    const type = tag & 7;
    if (type === VARINT) {
      take(tag >> 3, varint());
    } else if (type === BYTES) {
      const end = Number(varint()) + at;
      if (end > message.length) throw unavailable("an answer of etcd is cut off; try again");
      take(tag >> 3, message.subarray(at, end));
      at = end;
    } else {
      throw unavailable(`an answer of etcd cannot be read (wire type ${type}): is its version supported?`);
    }
  }
}
