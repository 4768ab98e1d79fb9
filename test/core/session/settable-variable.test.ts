import assert from "node:assert/strict";
import { isSettable } from "../../../core/session/settable-variable.js";

describe("settable variable", () => {
  it("has a shell name and a bounded value", () => {
    assert.equal(isSettable("LC_ALL", "C"), true);
    for (const name of ["", "1A", "A-B", "A=B", "BASH_FUNC_x%%", "A\n"])
      assert.equal(isSettable(name, "x"), false);
    assert.equal(isSettable("A", "a\0b"), false);
    assert.equal(isSettable("A", "x".repeat(70_000)), false);
  });
});
