import assert from "node:assert/strict";
import { createRateLimit } from "../../../core/auth/rate-limit.js";
import { hostOf } from "../../../core/grammar/address.js";
import { MovingClock } from "./moving-clock.js";

describe("the rate limit", () => {
  it("gives each client its share of every second, and no more", () => {
    const clock = new MovingClock("2026-11-22T12:00:00Z");
    const limit = createRateLimit(10, clock);
    const taken = (client: string, times: number): number => {
      let count = 0;
      for (let i = 0; i < times; i++) {
        try {
          limit.take(client);
          count += 1;
        } catch (error) {
          assert.equal((error as { code: string }).code, "limit_exceeded");
        }
      }
      return count;
    };
    assert.equal(taken("a", 15), 10);
    assert.equal(taken("b", 15), 10);
    clock.advance(500);
    assert.equal(taken("a", 15), 5);
    clock.advance(60_000);
    assert.equal(taken("a", 15), 10);
  });

  for (const [address, host] of [
    ["192.0.2.1:4000", "192.0.2.1"],
    ["[2001:db8::1]:4000", "2001:db8::1"],
    ["192.0.2.1", "192.0.2.1"],
    ["", ""],
  ] as const) {
    it(`knows the client at ${JSON.stringify(address)} as ${JSON.stringify(host)}`, () => {
      assert.equal(hostOf(address), host);
    });
  }
});
