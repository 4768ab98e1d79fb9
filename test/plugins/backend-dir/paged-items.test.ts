import assert from "node:assert/strict";
import { unavailable } from "../../../core/errors/error.js";
import type { Item } from "../../../core/plugin/storage.js";
import { pagedItems, type ReadPage } from "../../../plugins/backend-dir/paged-items.js";

const itemAt = (n: number): Item => ({ key: `/${n}`, value: Buffer.from(String(n)), revision: "1" });
/** Pages of two of the items 0 to `count` - 1. */
const pagesOf =
  (count: number, read: string[] = []): ReadPage =>
  async (behind) => {
    read.push(behind ?? "-");
    const from = behind === undefined ? 0 : Number(behind.slice(1)) + 1;
    return [from, from + 1].filter((n) => n < count).map(itemAt);
  };

describe("plugins/backend-dir/paged-items", () => {
  it("yields every item once and asks for each page behind the last", async () => {
    for (const count of [0, 1, 2, 5]) {
      const read: string[] = [];
      const found: string[] = [];
      for await (const { key } of pagedItems(pagesOf(count, read), undefined)) found.push(key);
      assert.deepEqual(
        found,
        Array.from({ length: count }, (_, n) => `/${n}`),
      );
      assert.equal(read.length, Math.ceil(count / 2) + 1);
    }
  });

  it("keeps order and loses nothing where several items are asked for at once", async () => {
    const items = pagedItems(pagesOf(5), undefined)[Symbol.asyncIterator]();
    const asked = await Promise.all(Array.from({ length: 7 }, () => items.next()));
    assert.deepEqual(
      asked.map(({ done, value }) => (done ? "end" : value.key)),
      ["/0", "/1", "/2", "/3", "/4", "end", "end"],
    );
  });

  it("reads no further page once its reader has left, also while one is under way", async () => {
    const read: string[] = [];
    for await (const _item of pagedItems(pagesOf(9, read), undefined)) break;
    assert.deepEqual(read, ["-"]);
    let release = (): void => undefined;
    const gate = new Promise<void>((resolve) => (release = resolve));
    const slow = pagedItems(async () => gate.then(() => [itemAt(0)]), undefined)[Symbol.asyncIterator]();
    const next = slow.next();
    await slow.return?.();
    release();
    assert.equal((await next).done, true);
    assert.equal((await slow.next()).done, true);
  });

  it("throws the signal's reason between two items, and ends with the error of a page", async () => {
    const over = new AbortController();
    const seen: string[] = [];
    const reading = (async () => {
      for await (const { key } of pagedItems(pagesOf(5), over.signal)) {
        seen.push(key);
        over.abort(unavailable("enough"));
      }
    })();
    await assert.rejects(reading, { message: "enough" });
    assert.deepEqual(seen, ["/0"]);
    const broken = pagedItems(() => Promise.reject(unavailable("no disk")), undefined)[
      Symbol.asyncIterator
    ]();
    await assert.rejects(broken.next(), { message: "no disk" });
    assert.equal((await broken.next()).done, true);
  });
});
