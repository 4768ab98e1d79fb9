import assert from "node:assert/strict";
import type { KeyState, Step } from "../../../../../core/plugin/kit/storage/history.js";
import { unexplained } from "../../../../../core/plugin/kit/storage/linearizability.js";

const state = (revision: string): KeyState => ({ revision, value: "v", expiresMs: undefined });

/** A call from `called` to `answered`. */
const step = (called: number, answered: number, more: Pick<Step, "after" | "label" | "wrote">): Step => ({
  key: "/k",
  called,
  answered,
  ...more,
});
const put = (called: number, answered: number, revision: string): Step =>
  step(called, answered, { label: `put ${revision}`, wrote: revision, after: () => state(revision) });
const get = (called: number, answered: number, revision: string | undefined): Step =>
  step(called, answered, {
    label: `get ${revision ?? "nothing"}`,
    after: (before) => (before?.revision === revision ? before : "impossible"),
  });
const swap = (called: number, answered: number, from: string, to: string): Step =>
  step(called, answered, {
    label: `swap ${from}`,
    wrote: to,
    after: (before) => (before?.revision === from ? state(to) : "impossible"),
  });

describe("core/plugin/kit/storage/linearizability", () => {
  it("explains calls one after the other", () => {
    assert.equal(unexplained([]), undefined);
    assert.equal(unexplained([get(1, 2, undefined), put(3, 4, "a"), get(5, 6, "a")]), undefined);
  });

  it("lets calls that overlap take effect in either order", () => {
    assert.equal(unexplained([put(1, 6, "a"), get(2, 3, undefined), get(4, 5, "a")]), undefined);
    assert.equal(unexplained([put(1, 4, "a"), put(2, 3, "b"), get(5, 6, "a")]), undefined);
    assert.equal(unexplained([put(1, 4, "a"), put(2, 3, "b"), get(5, 6, "b")]), undefined);
  });

  it("refuses a read of what had been replaced before it was called", () => {
    const problem = unexplained([put(1, 2, "a"), put(3, 4, "b"), get(5, 6, "a")]);
    assert.match(problem ?? "", /no order explains the answers about \/k/);
    assert.match(problem ?? "", /5-6 get a/);
  });

  it("refuses two readers that saw two writes in different orders", () => {
    const writes = [put(1, 10, "a"), put(2, 11, "b")];
    assert.equal(unexplained([...writes, get(3, 4, "a"), get(5, 6, "b")]), undefined);
    assert.notEqual(
      unexplained([...writes, get(3, 4, "a"), get(5, 6, "b"), get(7, 8, "a")]),
      undefined,
      "a came back",
    );
  });

  it("refuses a lost update: two swaps of one revision", () => {
    const problem = unexplained([put(1, 2, "a"), swap(3, 6, "a", "b"), swap(4, 5, "a", "c")]);
    assert.match(problem ?? "", /so that none of these can follow/);
  });

  it("refuses a revision that was given twice, whatever the order", () => {
    assert.match(unexplained([put(1, 2, "a"), put(3, 4, "a")]) ?? "", /revision a was given to two writes/);
  });

  it("is quick with many calls at once", () => {
    const writes = Array.from({ length: 10 }, (_, n) => put(n + 1, 100 + n, `r${n}`));
    const reads = Array.from({ length: 20 }, (_, n) => get(200 + 2 * n, 201 + 2 * n, "r3"));
    assert.equal(unexplained([...writes, ...reads]), undefined);
  });
});
