import assert from "node:assert/strict";
import type { Storage } from "@teleport/plugin";
import {
  foreignKey,
  removeAbandoned,
  removeAll,
  runFolder,
  TEST_KEYS,
} from "../../../../core/process/storage-test/test-keys.js";
import { createMemoryStorage } from "../../../../core/storage/memory-storage.js";

const NOW_MS = Date.UTC(2026, 5, 1);
const HOUR_MS = 3_600_000;

describe("core/process/storage-test/test-keys", () => {
  let storage: Storage;
  const put = (...keys: string[]) =>
    Promise.all(keys.map((key) => storage.put({ key, value: Buffer.from("x") })));
  const keys = async (): Promise<string[]> => {
    const found: string[] = [];
    for await (const { key } of storage.range({ start: " ", end: "\u{10ffff}" })) found.push(key);
    return found;
  };
  beforeEach(() => (storage = createMemoryStorage()));
  afterEach(() => storage.close());

  it("finds a key of others wherever it sorts, and takes those of tests for none", async () => {
    await put(`${TEST_KEYS}1-a/1/kit/x`);
    assert.equal(await foreignKey(storage), undefined);
    for (const key of [" first", ".locks/cluster", "/extensions/plugin-tests", "/web", "~last", "😀"]) {
      await put(key);
      assert.equal(await foreignKey(storage), key);
      await storage.delete(key);
    }
  });

  it("removes the runs that were killed more than a day ago, and no others", async () => {
    const old = runFolder(NOW_MS - 25 * HOUR_MS, "a");
    const young = runFolder(NOW_MS - HOUR_MS, "b");
    await put(`${old}1/kit/x`, `${young}1/kit/x`, `${TEST_KEYS}notes`, "/web");
    await removeAbandoned(storage, NOW_MS);
    assert.deepEqual(await keys(), [`${young}1/kit/x`, `${TEST_KEYS}notes`, "/web"].sort());
  });

  it("removes what a defective deleteRange leaves, and no key that a defective range makes up", async () => {
    const folder = runFolder(NOW_MS, "a");
    await put(`${folder}1/kit/x`, `${folder}2/kit/x`, "/web");
    const defective = new Proxy(storage, {
      get(target, name) {
        if (name === "deleteRange") return async () => 0;
        if (name === "range") return () => target.range({ start: " ", end: "\u{10ffff}" });
        const member: unknown = Reflect.get(target, name, target);
        return typeof member === "function" ? (member.bind(target) as unknown) : member;
      },
    });
    await removeAll(defective, folder);
    assert.deepEqual(await keys(), ["/web"]);
  });
});
