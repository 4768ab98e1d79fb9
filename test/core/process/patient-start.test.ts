import assert from "node:assert/strict";
import { CodedError, unavailable } from "../../../core/errors/error.js";
import { ManualClock } from "../../../core/plugin/kit/manual-clock.js";
import { patientStart } from "../../../core/process/patient-start.js";

describe("core/process/patient-start", () => {
  let clock: ManualClock;
  let warnings: string[];
  let stopping: AbortController;
  let starts: number;
  const away = (): Error =>
    new CodedError("plugin", "plugin storage.x failed in phase start", { cause: unavailable("refused") });

  beforeEach(() => {
    clock = new ManualClock();
    warnings = [];
    stopping = new AbortController();
    starts = 0;
  });

  const run = (start: () => Promise<string>): Promise<string> => {
    const quiet = (): void => undefined;
    const log = {
      ...{ debug: quiet, info: quiet, error: quiet },
      warn: (message: string) => void warnings.push(message),
      child: () => log,
    };
    const started = patientStart(
      () => {
        starts++;
        return start();
      },
      { what: "the storage", log, clock, stopping: stopping.signal },
    );
    started.catch(() => undefined);
    return started;
  };

  it("tries again while the storage is away, and says so each time", async () => {
    const started = run(async () => {
      if (starts < 3) throw away();
      return "up";
    });
    for (let second = 0; second < 10; second++) await clock.advance(1_000);
    assert.equal(await started, "up");
    assert.equal(starts, 3);
    assert.deepEqual(warnings, Array(2).fill("the storage is away; the start waits for it"));
  });

  it("gives up after a minute with the last failure", async () => {
    const started = run(() => Promise.reject(away()));
    await clock.advance(120_000);
    await assert.rejects(started, { code: "plugin", message: /failed in phase start/ });
    assert(starts > 10 && starts <= 32, String(starts));
  });

  it("throws at once what waiting does not mend", async () => {
    for (const error of [
      new CodedError("plugin", "bad", { cause: new CodedError("corrupt", "damaged") }),
      unavailable("the cluster has moved: set teleport.storage"),
      new CodedError("config", "no such key"),
    ]) {
      await assert.rejects(
        run(() => Promise.reject(error)),
        error,
      );
    }
    assert.equal(starts, 3);
  });

  it("tells of a start that is slow by itself, and not of one that is quick", async () => {
    let finish = (_: string): void => undefined;
    const started = run(() => new Promise((resolve) => (finish = resolve)));
    await clock.advance(6_000);
    assert.deepEqual(warnings, ["the storage does not answer yet; the start waits for it"]);
    finish("up");
    assert.equal(await started, "up");
    await run(async () => "up");
    await clock.advance(60_000);
    assert.equal(warnings.length, 1);
  });

  it("ends with the daemon", async () => {
    const started = run(() => Promise.reject(away()));
    await clock.advance(100);
    stopping.abort(new Error("told to end"));
    await assert.rejects(started, { code: "plugin" });
    assert.equal(starts, 1);
  });
});
