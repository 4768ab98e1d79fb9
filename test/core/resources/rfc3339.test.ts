import assert from "node:assert/strict";
import { canonicalTime, formatTime, optionalTime, parseTime } from "../../../core/resources/rfc3339.js";

describe("RFC 3339 times", () => {
  for (const [text, canonical] of [
    ["2026-11-22T11:09:35.605664862Z", "2026-11-22T11:09:35.605664862Z"],
    ["2026-11-22T11:09:35.100Z", "2026-11-22T11:09:35.1Z"],
    ["2026-11-22T11:09:35.000Z", "2026-11-22T11:09:35Z"],
    ["2026-11-22T11:09:30Z", "2026-11-22T11:09:30Z"],
    ["2026-11-22T13:09:35.123456789+02:00", "2026-11-22T11:09:35.123456789Z"],
    ["0001-01-01T00:00:00Z", "0001-01-01T00:00:00Z"],
    ["2026-11-22t11:09:35z", "2026-11-22T11:09:35Z"],
  ] as const) {
    it(`write ${text} as ${canonical}`, () => assert.equal(canonicalTime(text), canonical));
  }

  for (const text of ["", "never", "2026-13-01T00:00:00Z", "2026-11-22 11:09:35Z", "2026-11-22T11:09:35"]) {
    it(`refuse ${JSON.stringify(text)}`, () => {
      assert.throws(() => canonicalTime(text), { code: "bad_parameter" });
    });
  }

  it("keep milliseconds both ways", () => {
    const moment = new Date("2026-11-22T11:09:35.120Z");
    assert.equal(formatTime(moment), "2026-11-22T11:09:35.12Z");
    assert.deepEqual(parseTime("2026-11-22T11:09:35.120999Z"), moment);
  });

  it("take the zero time and no time for none", () => {
    for (const none of [undefined, "", "0001-01-01T00:00:00Z"]) {
      assert.equal(optionalTime(none), undefined);
    }
  });
});
