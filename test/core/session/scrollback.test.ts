import assert from "node:assert/strict";
import { Scrollback } from "../../../core/session/scrollback.js";

describe("scrollback", () => {
  const of = (limit: number, ...chunks: string[]): string => {
    const scrollback = new Scrollback(limit);
    for (const chunk of chunks) scrollback.add(Buffer.from(chunk));
    return scrollback.read().toString();
  };

  it("keeps everything up to its limit", () => {
    assert.equal(of(10), "");
    assert.equal(of(10, "ab", "", "cd\nef"), "abcd\nef");
    assert.equal(of(4, "abcd"), "abcd");
  });

  it("starts with a whole line once something is lost", () => {
    assert.equal(of(6, "one\n", "two\n", "three"), "three");
    assert.equal(of(8, "one\ntwo\nthree\n"), "three\n");
    assert.equal(of(4, "\x1b[31mno end of line"), "");
  });

  it("holds no more than its limit and one chunk", () => {
    const scrollback = new Scrollback(1_000);
    for (let at = 0; at < 10_000; at++) scrollback.add(Buffer.from(`line ${at}\n`));
    const text = scrollback.read().toString();
    assert.ok(text.length <= 1_000 && text.length > 900);
    assert.match(text, /^line \d+\n/);
    assert.match(text, /line 9999\n$/);
  });
});
