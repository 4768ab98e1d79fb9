import assert from "node:assert/strict";
import { ManualClock } from "../../../core/plugin/kit/manual-clock.js";
import { RekeySchedule } from "../../../core/ssh/rekey.js";

const HOUR = 3_600_000;
const LIMITS = { rekeyBytes: 1_000, rekeyIntervalMs: HOUR };

describe("the rekeying schedule", () => {
  let clock: ManualClock;
  let begun: number;
  let schedule: RekeySchedule;
  beforeEach(() => {
    clock = new ManualClock();
    begun = 0;
    schedule = new RekeySchedule(LIMITS, clock, () => (begun += 1));
  });
  afterEach(() => schedule.stop());

  it("begins an exchange when either direction has used up its bytes, once", () => {
    schedule.sent(999);
    schedule.received(999);
    assert.equal(begun, 0);
    schedule.sent(1);
    assert.equal(begun, 1);
    schedule.sent(999);
    assert.equal(begun, 1);
    schedule.restart();
    schedule.received(1_000);
    assert.equal(begun, 2);
  });

  it("begins an exchange when its time is up, also on an idle connection", async () => {
    await clock.advance(HOUR - 1);
    assert.equal(begun, 0);
    await clock.advance(1);
    assert.equal(begun, 1);
  });

  it("counts anew after an exchange, whoever began it", async () => {
    await clock.advance(HOUR - 1);
    schedule.restart();
    await clock.advance(HOUR - 1);
    assert.equal(begun, 0);
    await clock.advance(1);
    assert.equal(begun, 1);
  });

  it("is silent once the connection is gone", async () => {
    schedule.stop();
    await clock.advance(2 * HOUR);
    assert.equal(begun, 0);
  });
});
