import assert from "node:assert/strict";
import fc from "fast-check";
import { shellWords } from "../../../core/session/shell-words.js";

describe("shell words", () => {
  it("removes quotes and backslashes", () => {
    assert.deepEqual(shellWords(`scp -t 'my dir'/"a b" c\\ d  "\\$x"`), [
      "scp",
      "-t",
      "my dir/a b",
      "c d",
      "$x",
    ]);
    assert.deepEqual(shellWords(`a '' ""`), ["a", "", ""]);
    assert.deepEqual(shellWords("  "), []);
  });

  it("does not claim to know what several commands or substitutions do", () => {
    for (const command of [
      "a; b",
      "a | b",
      "a && b",
      "a > b",
      "a $(b)",
      "a `b`",
      'a "$b"',
      'a "`b`"',
      "a\nb",
      "a &",
    ]) {
      assert.equal(shellWords(command), undefined, command);
    }
  });

  it("refuses unfinished quotes", () => {
    for (const command of ["a 'b", 'a "b', "a \\"]) assert.equal(shellWords(command), undefined, command);
  });

  it("finds any single-quoted words again", () => {
    fc.assert(
      fc.property(fc.array(fc.string().map((word) => word.replaceAll("'", ""))), (words) => {
        assert.deepEqual(shellWords(words.map((word) => `'${word}'`).join(" ")), words);
      }),
    );
  });
});
