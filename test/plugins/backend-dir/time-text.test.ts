import assert from "node:assert/strict";
import fc from "fast-check";
import { parseTimeText, timeText } from "../../../plugins/backend-dir/time-text.js";

describe("plugins/backend-dir/time-text", () => {
  const examples: [string, string][] = [
    ["2026-11-22T11:12:35.731Z", "2026-11-22 11:12:35.731+00:00"],
    ["2026-11-22T11:12:35.730Z", "2026-11-22 11:12:35.73+00:00"],
    ["2026-11-22T11:12:35.000Z", "2026-11-22 11:12:35+00:00"],
    ["2026-11-22T10:00:00.000Z", "2026-11-22 10:00:00+00:00"],
  ];
  for (const [time, text] of examples) {
    it(`writes ${text} as 4.2 does, and reads it`, () => {
      assert.equal(timeText(Date.parse(time)), text);
      assert.equal(parseTimeText(text), Date.parse(time));
    });
  }

  it("reads the nanoseconds of 4.2", () => {
    assert.equal(
      parseTimeText("2026-11-22 11:12:35.731753676+00:00"),
      Date.parse("2026-11-22T11:12:35.731Z"),
    );
  });

  it("reads nothing else", () => {
    for (const text of ["", "2026-11-22T11:12:35Z", "1795358553", "2026-11-22 11:12:35+02:00"]) {
      assert.ok(Number.isNaN(parseTimeText(text)), text);
    }
  });

  it("sorts as text as the times do", () => {
    const time = fc.integer({ min: Date.UTC(1000, 0), max: Date.UTC(9999, 11) });
    fc.assert(
      fc.property(time, time, (a, b) => {
        assert.equal(
          Math.sign(a - b),
          Math.sign(Buffer.compare(Buffer.from(timeText(a)), Buffer.from(timeText(b)))),
        );
        assert.equal(parseTimeText(timeText(a)), a);
      }),
    );
  });
});
