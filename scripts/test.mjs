/** The whole test run: build, lint, format check, every test. The last line counts what passed, failed and was skipped. */
import os from "node:os";
import { runLanes } from "./lanes.mjs";
import { mustRun, root } from "./run.mjs";
import { testJobs } from "./test-jobs.mjs";

/** Much of a job is waiting, even where there is one processor; with many, time-outs of tests are the limit. */
const LANES = Math.min(4, Math.max(2, os.availableParallelism()));
const SLOWEST_SHOWN = 15;

mustRun(process.execPath, ["scripts/build.mjs", "--clean"]);
const results = await runLanes(testJobs(process.argv.slice(2)), {
  lanes: LANES,
  cwd: root,
  write: (text) => process.stdout.write(text),
});

if (results.every(({ counted, passed }) => !counted || passed === 0)) {
  results.push({ name: "mocha", seconds: 0, passed: 0, failed: 1, skipped: 0, failures: ["no test passed"] });
}
const sum = (what) => results.reduce((total, result) => total + result[what], 0);
const bySeconds = [...results].sort((a, b) => b.seconds - a.seconds).slice(0, SLOWEST_SHOWN);
console.log(
  `\nSlowest: ${bySeconds.map(({ name, seconds }) => `${name} ${seconds.toFixed(0)} s`).join(", ")}`,
);
const failures = results.flatMap((result) => result.failures);
if (failures.length > 0) console.log(["Failed:", ...failures.map((line) => `  ${line}`)].join("\n"));
const [passed, failed, skipped] = ["passed", "failed", "skipped"].map(sum);
process.exitCode = failed === 0 ? 0 : 1;
console.log(`${passed} passed, ${failed} failed, ${skipped} skipped`);
