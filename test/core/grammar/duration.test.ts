import assert from "node:assert/strict";
import { formatDuration, parseDuration } from "../../../core/grammar/duration.js";

describe("duration", () => {
  const pairs: [string, number, string][] = [
    ["0", 0, "0s"],
    ["never", 0, "0s"],
    ["300ms", 300, "300ms"],
    ["1h30m", 5_400_000, "1h30m0s"],
    ["5m", 300_000, "5m0s"],
    ["30h", 108_000_000, "30h0m0s"],
    ["1.5s", 1500, "1.5s"],
    [".5m", 30_000, "30s"],
    ["1m1.001s", 61_001, "1m1.001s"],
    ["-10s", -10_000, "-10s"],
    ["10us", 0.01, "10µs"],
    ["7ns", 0.000007, "7ns"],
    ["1.1ms", 1.1, "1.1ms"],
  ];
  for (const [text, ms, canonical] of pairs) {
    it(`reads ${text} and writes ${canonical}`, () => {
      assert.equal(parseDuration(text), ms);
      assert.equal(formatDuration(ms), canonical);
    });
  }
  for (const text of ["", "10", "abc", "1d", "1h 5m", "h", ".s", "1.2.3s", "--1s", "Never"]) {
    it(`refuses '${text}'`, () => {
      assert.throws(() => parseDuration(text), { code: "bad_parameter", message: /invalid duration/ });
    });
  }
  it("refuses what 64 bits of nanoseconds cannot hold", () => {
    assert.throws(() => parseDuration("2562048h"), { code: "bad_parameter", message: /too long/ });
    assert.equal(parseDuration("2562047h"), 2_562_047 * 3_600_000);
  });
});
