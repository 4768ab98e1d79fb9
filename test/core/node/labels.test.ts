import assert from "node:assert/strict";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { startCommandLabels } from "../../../core/node/labels.js";
import { checkTrustedProgram } from "../../../core/node/trusted-program.js";
import type { Clock } from "../../../core/plugin/clock.js";
import { silentLogger } from "../../../core/plugin/logger.js";

describe("command labels", () => {
  // Not below /tmp: that is writable by all.
  const directory = mkdtempSync(join(process.cwd(), "dist", "labels-"));
  const script = join(directory, "label.sh");
  const counter = join(directory, "count");
  before(() => {
    writeFileSync(script, `#!/bin/sh\necho x >> ${counter}\nwc -l < ${counter}\n`);
    chmodSync(script, 0o755);
  });
  after(() => rmSync(directory, { recursive: true }));

  it("does not run what others can change", async () => {
    chmodSync(script, 0o777);
    await assert.rejects(checkTrustedProgram(script), /others can change .*label\.sh/);
    chmodSync(script, 0o755);
    const open = join(directory, "open");
    mkdirSync(open);
    chmodSync(open, 0o777);
    writeFileSync(join(open, "x"), "#!/bin/sh\n", { mode: 0o755 });
    await assert.rejects(checkTrustedProgram(join(open, "x")), /others can change .*open;/);
    await assert.rejects(checkTrustedProgram("./label.sh"), /give an absolute path/);
  });

  it("runs at the start and then after each period, telling of changes", async () => {
    const periods: (() => void)[] = [];
    const slept: number[] = [];
    let asked: () => void = () => undefined;
    const clock: Clock = {
      now: () => new Date(0),
      sleep: (ms) =>
        new Promise((resolve) => {
          // What bounds a run does not pass here.
          if (ms !== 60_000) return;
          slept.push(ms);
          periods.push(resolve);
          asked();
        }),
    };
    let changed: () => void = () => undefined;
    const nextChange = (): Promise<void> => new Promise((resolve) => (changed = resolve));
    const firstSleep = new Promise<void>((resolve) => (asked = resolve));
    const labels = startCommandLabels({
      commands: [{ name: "count", command: [script], periodMs: 60_000 }],
      clock,
      log: silentLogger,
      onChange: () => changed(),
    });
    assert.equal(labels.current()["count"]?.result, "");
    await labels.ready;
    assert.deepEqual(labels.current(), { count: { period: "1m0s", command: [script], result: "1" } });
    await firstSleep;
    const change = nextChange();
    periods[0]?.();
    await change;
    assert.equal(labels.current()["count"]?.result, "2");
    assert.equal(slept[0], 60_000);
    labels.close();
  });
});
