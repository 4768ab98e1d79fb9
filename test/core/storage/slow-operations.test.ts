import assert from "node:assert/strict";
import type { Logger } from "../../../core/plugin/logger.js";
import { silentLogger } from "../../../core/plugin/logger.js";
import { slowOperationLog } from "../../../core/storage/slow-operations.js";
import { MovingClock } from "../auth/moving-clock.js";

function start(thresholdMs = 1000) {
  const lines: { message: string; fields: Readonly<Record<string, unknown>> }[] = [];
  const log: Logger = {
    ...silentLogger,
    warn: (message, fields = {}) => void lines.push({ message, fields }),
  };
  const clock = new MovingClock("2026-11-22T12:00:00Z");
  const slow: string[] = [];
  const meter = slowOperationLog({
    thresholdMs,
    backend: "etcd",
    keyShape: (key) => key.replace(/[^/]+$/, "*"),
    log,
    clock,
    onSlow: (verb) => void slow.push(verb),
  });
  const take = (seconds: number, key = "/tokens/s3cret"): void =>
    meter.operation({ verb: "get", key, seconds });
  return { meter, lines, clock, slow, take };
}

describe("core/storage/slow-operations", () => {
  it("logs what takes longer than the threshold, without what is secret of the key", () => {
    const { meter, lines, slow, take } = start();
    take(1);
    assert.deepEqual(lines, []);
    take(1.23456);
    meter.operation({ verb: "put", key: "/web/users/x", seconds: 9, code: "unavailable" });
    assert.deepEqual(
      lines.map(({ fields }) => fields),
      [
        { backend: "etcd", verb: "get", key: "/tokens/*", seconds: 1.235 },
        { backend: "etcd", verb: "put", key: "/web/users/*", seconds: 9, code: "unavailable" },
      ],
    );
    assert.doesNotMatch(JSON.stringify(lines), /s3cret/);
    assert.deepEqual(slow, ["get", "put"]);
  });

  it("writes ten lines a minute, and then how many more there were", () => {
    const { lines, clock, slow, take } = start();
    for (let n = 0; n < 25; n++) take(2);
    assert.equal(lines.length, 10);
    assert.equal(slow.length, 25, "all of them are counted");
    clock.advance(59_000);
    take(0.001);
    assert.equal(lines.length, 10);
    clock.advance(1000);
    // The next operation, slow or not, brings the number.
    take(0.001);
    assert.deepEqual(lines[10]?.fields, { backend: "etcd", suppressed: 15 });
    take(0.001);
    assert.equal(lines.length, 11, "said once");
    take(2);
    assert.equal(lines.length, 12);
  });

  it("is not silenced by a clock that is set back", () => {
    const { lines, clock, take } = start();
    for (let n = 0; n < 11; n++) take(2);
    clock.advance(-3_600_000);
    take(2);
    assert.deepEqual(
      lines.slice(10).map(({ fields }) => fields["suppressed"]),
      [1, undefined],
    );
  });

  it("says nothing with the threshold never", () => {
    const { lines, take } = start(0);
    take(1000);
    assert.deepEqual(lines, []);
  });
});
