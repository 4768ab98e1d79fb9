import assert from "node:assert/strict";
import { parseBoolean } from "../../../core/grammar/boolean.js";

describe("parseBoolean", () => {
  it("knows every spelling in any case", () => {
    for (const text of ["yes", "Yeah", "y", "TRUE", "1", "on"]) assert.equal(parseBoolean(text), true, text);
    for (const text of ["no", "Nope", "n", "FALSE", "0", "off"])
      assert.equal(parseBoolean(text), false, text);
  });
  it("refuses anything else", () => {
    for (const text of ["", "maybe", "2", "yess"]) {
      assert.throws(() => parseBoolean(text), { code: "bad_parameter" }, text);
    }
  });
});
