import assert from "node:assert/strict";
import { sameSize, sharedSize } from "../../../core/session/shared-size.js";

describe("shared size", () => {
  it("is the smallest in each direction", () => {
    assert.equal(sharedSize([]), undefined);
    assert.deepEqual(sharedSize([{ columns: 80, rows: 24 }]), { columns: 80, rows: 24 });
    const sizes = [
      { columns: 120, rows: 20 },
      { columns: 90, rows: 50 },
    ];
    assert.deepEqual(sharedSize(sizes), { columns: 90, rows: 20 });
  });

  it("is compared by its numbers", () => {
    assert.equal(sameSize({ columns: 1, rows: 2 }, { columns: 1, rows: 2 }), true);
    assert.equal(sameSize({ columns: 1, rows: 2 }, { columns: 2, rows: 1 }), false);
    assert.equal(sameSize(undefined, { columns: 2, rows: 1 }), false);
  });
});
