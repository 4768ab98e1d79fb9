import assert from "node:assert/strict";
import { longTime, rfc822Time, statusTime } from "../../../core/cli/human-time.js";

describe("times for people", () => {
  const early = new Date("2026-01-02T03:04:05.678Z");
  const late = new Date("2009-11-22T22:24:13Z");

  it("are in UTC and have 4.2's forms", () => {
    assert.equal(statusTime(early), "Jan  2 03:04:05 UTC");
    assert.equal(statusTime(late), "Nov 22 22:24:13 UTC");
    assert.equal(rfc822Time(early), "02 Jan 26 03:04 UTC");
    assert.equal(rfc822Time(late), "22 Nov 09 22:24 UTC");
    assert.equal(longTime(early), "2026-01-02 03:04:05 +0000 UTC");
  });
});
