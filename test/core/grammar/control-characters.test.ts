import assert from "node:assert/strict";
import { escapeControl, hasControl } from "../../../core/grammar/control-characters.js";

describe("control characters", () => {
  it("are found and escaped: C0, DEL, C1 and separators of lines", () => {
    const text = "\u0000\n\u001b\u007f\u009b\u2028";
    for (const char of text) assert.ok(hasControl(`a${char}`), JSON.stringify(char));
    assert.equal(escapeControl(text), "\\u0000\\u000a\\u001b\\u007f\\u009b\\u2028");
  });

  it("are not other characters", () => {
    const text = "a ~\u00a0ä€😀";
    assert.ok(!hasControl(text));
    assert.equal(escapeControl(text), text);
  });
});
