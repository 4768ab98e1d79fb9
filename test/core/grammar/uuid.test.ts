import assert from "node:assert/strict";
import { isUuid, isUuidInAnyCase } from "../../../core/grammar/uuid.js";

const ID = "2b7ae4d3-aaaa-4000-8000-000000000000";

describe("UUIDs", () => {
  it("are written in lower case and read in any", () => {
    assert.ok(isUuid(ID) && isUuidInAnyCase(ID));
    assert.ok(!isUuid(ID.toUpperCase()) && isUuidInAnyCase(ID.toUpperCase()));
  });

  it("are the whole text and nothing else", () => {
    for (const text of ["", `${ID}0`, ` ${ID}`, `${ID}\n`, `{${ID}}`, ID.replaceAll("-", ""), "../../etc"]) {
      assert.ok(!isUuid(text) && !isUuidInAnyCase(text), JSON.stringify(text));
    }
  });
});
