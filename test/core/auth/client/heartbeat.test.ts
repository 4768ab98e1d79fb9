import assert from "node:assert/strict";
import type { KeepAlive } from "../../../../core/auth/client/api.js";
import { startHeartbeat, type Heartbeat } from "../../../../core/auth/client/heartbeat.js";
import { unavailable } from "../../../../core/errors/error.js";
import { silentLogger } from "../../../../core/plugin/logger.js";
import { FakeClock } from "./fake-clock.js";

const first: KeepAlive = { serverName: "n-1", namespace: "default", leaseId: 0 };

describe("startHeartbeat", () => {
  let clock: FakeClock;
  let announcements: number;
  let heartbeat: Heartbeat | undefined;
  beforeEach(() => {
    clock = new FakeClock();
    announcements = 0;
  });
  afterEach(() => heartbeat?.close());

  const announce = async (): Promise<void> => {
    announcements++;
  };

  it("announces at once and then every five to six minutes", async () => {
    heartbeat = startHeartbeat({ announce, log: silentLogger, clock });
    await heartbeat.announced;
    for (let i = 1; i <= 3; i++) {
      const [wait = 0] = await clock.sleeping();
      assert.ok(wait >= 300_000 && wait <= 360_000, `${wait}`);
      assert.equal(announcements, i);
      clock.advance(wait);
    }
  });

  it("announces once for several changes", async () => {
    heartbeat = startHeartbeat({ announce, log: silentLogger, clock });
    await clock.sleeping();
    heartbeat.changed();
    heartbeat.changed();
    const [wait = 0] = await settled(clock, (waits) => waits.length === 1 && waits[0]! <= 1_000);
    assert.equal(announcements, 1);
    clock.advance(wait);
    await settled(clock, ([next]) => next !== undefined && next >= 300_000);
    assert.equal(announcements, 2);
  });

  it("announces a change that came during an announcement", async () => {
    const changing = async (): Promise<void> => {
      if (++announcements === 1) heartbeat?.changed();
    };
    heartbeat = startHeartbeat({
      announce: async () => {
        await Promise.resolve();
        await changing();
      },
      log: silentLogger,
      clock,
    });
    const [wait = 0] = await clock.sleeping();
    assert.ok(wait <= 1_000);
  });

  it("tries again with growing pauses while it fails", async () => {
    let failing = true;
    heartbeat = startHeartbeat({
      announce: async () => {
        announcements++;
        if (failing) throw unavailable("away");
      },
      log: silentLogger,
      clock,
    });
    for (let i = 0; i < 4; i++) {
      const [wait = 0] = await clock.sleeping();
      assert.ok(wait <= 2_000 * 2 ** i, `${wait}`);
      if (i === 3) failing = false;
      clock.advance(Math.max(wait, 1));
    }
    await heartbeat.announced;
    assert.equal(announcements, 5);
  });

  it("sends a keep-alive at once and every minute, each good for ten", async () => {
    const sent: KeepAlive[] = [];
    heartbeat = startHeartbeat({
      announce: async () => first,
      keepAlive: async (stream) => {
        for await (const keepAlive of stream) sent.push(keepAlive);
      },
      log: silentLogger,
      clock,
    });
    for (let i = 0; i < 3; i++) {
      const [wait = 0] = await clock.sleeping(2);
      assert.equal(wait, 60_000);
      assert.equal(sent.length, i + 1);
      assert.equal(sent.at(-1)?.expires?.getTime(), clock.now().getTime() + 600_000);
      clock.advance(60_000);
    }
  });

  it("announces anew when keep-alives end, after a pause", async () => {
    let streams = 0;
    heartbeat = startHeartbeat({
      announce: async () => {
        announcements++;
        return first;
      },
      keepAlive: async () => {
        streams++;
        throw unavailable("restarting");
      },
      log: silentLogger,
      clock,
    });
    const [pause = 0] = await clock.sleeping(2);
    assert.ok(pause >= 5_000 && pause <= 10_000, `${pause}`);
    clock.advance(pause);
    const [settle = 0] = await settled(clock, (waits) => waits.length === 1 && waits[0]! <= 1_000);
    clock.advance(settle);
    await clock.sleeping(2);
    assert.equal(announcements, 2);
    assert.equal(streams, 2);
  });

  it("closes at any time", async () => {
    heartbeat = startHeartbeat({
      announce: () => Promise.reject(unavailable("away")),
      log: silentLogger,
      clock,
    });
    await clock.sleeping();
    await heartbeat.close();
    await heartbeat.close();
  });
});

/** Lets pending work go on until the sleepers are as expected. */
async function settled(clock: FakeClock, expected: (waits: number[]) => boolean): Promise<number[]> {
  for (let i = 0; i < 1_000; i++) {
    const waits = await Promise.race([
      clock.sleeping(),
      new Promise<number[]>((resolve) => setImmediate(resolve, [])),
    ]);
    if (expected(waits)) return waits;
    await new Promise((resolve) => setImmediate(resolve));
  }
  throw new Error("the sleepers are not as expected");
}
