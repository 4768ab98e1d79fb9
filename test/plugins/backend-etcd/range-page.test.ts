import assert from "node:assert/strict";
import { hasCode } from "../../../core/errors/error.js";
import { RangePage } from "../../../plugins/backend-etcd/range-page.js";

/** A protobuf field with a length. */
const field = (number: number, content: Buffer | string): Buffer => {
  const bytes = Buffer.from(content);
  return Buffer.concat([Buffer.from([(number << 3) | 2]), varint(BigInt(bytes.length)), bytes]);
};
const number = (field: number, value: bigint): Buffer =>
  Buffer.concat([Buffer.from([field << 3]), varint(value)]);

function varint(value: bigint): Buffer {
  const bytes: number[] = [];
  for (let left = value; ; left >>= 7n) {
    if (left < 0x80n) return Buffer.from([...bytes, Number(left)]);
    bytes.push(Number(left & 0x7fn) | 0x80);
  }
}

describe("plugins/backend-etcd/range-page", () => {
  const revisions = [1n, 127n, 128n, (1n << 32n) + 5n, (1n << 49n) - 1n, 1n << 49n, (1n << 53n) + 1n];
  const lease = (1n << 63n) - 1n;
  const cluster = (1n << 64n) - 2n;
  const message = Buffer.concat([
    field(1, Buffer.concat([number(1, cluster), number(2, 7n), number(3, 1n << 40n), number(4, 2n)])),
    ...revisions.map((revision, n) =>
      field(
        2,
        Buffer.concat([
          ...[field(1, `/key/${n}`), number(2, 3n), number(3, revision), number(4, 9n)],
          ...(n === 0 ? [] : [field(5, "v".repeat(n * 100)), number(6, lease)]),
        ]),
      ),
    ),
    number(3, 1n),
    number(4, 12_345n),
  ]);

  it("reads numbers of every size, and what is left out where it is zero", () => {
    const page = new RangePage(message);
    assert.deepEqual(page.header, { cluster_id: String(cluster), revision: String(1n << 40n) });
    assert.equal(page.more, true);
    assert.equal(page.length, revisions.length);
    assert.equal(String(page.lastKey), `/key/${revisions.length - 1}`);
    const pairs = [...page.slice(0, 2), ...page.slice(2, 100)];
    assert.deepEqual(
      pairs.map((pair) => ({ ...pair, key: String(pair.key), value: String(pair.value) })),
      revisions.map((revision, n) => ({
        key: `/key/${n}`,
        value: "v".repeat(n * 100),
        mod_revision: String(revision),
        lease: n === 0 ? "0" : String(lease),
      })),
    );
  });

  it("is empty as an empty answer", () => {
    const page = new RangePage(Buffer.alloc(0));
    assert.deepEqual([page.length, page.more, page.lastKey], [0, false, undefined]);
  });

  it("never reads beyond an answer that is cut off", () => {
    for (let length = 0; length < message.length; length++) {
      try {
        const page = new RangePage(message.subarray(0, length));
        assert.ok(page.slice(0, 100).length <= revisions.length);
      } catch (error) {
        assert.ok(hasCode(error, "unavailable"), String(error));
      }
    }
  });
});
