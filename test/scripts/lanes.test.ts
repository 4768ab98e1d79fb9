import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { temporaryFolder } from "../kit/paths.js";

const script = new URL("../../../scripts/lanes.mjs", import.meta.url).href;

interface Job {
  readonly name: string;
  readonly counts: boolean;
  readonly command: string;
  readonly args: readonly string[];
}
interface Result {
  readonly name: string;
  readonly counted: boolean;
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
  readonly failures: readonly string[];
  readonly output: string;
}
type RunLanes = (
  jobs: readonly Job[],
  options: { lanes: number; cwd: string; write: (text: string) => void },
) => Promise<Result[]>;

/** Leaves counts as the reporter of mocha does. */
const count = (passed: number, failed: number): string => {
  const failures = failed > 0 ? ["a test"] : [];
  const counts = JSON.stringify({ passed, failed, skipped: 1, failures });
  return `require("fs").writeFileSync(process.env.TEST_COUNTS, ${JSON.stringify(counts)});`;
};

describe("the lanes of the test run", () => {
  let folder: string;
  let remove: () => Promise<void>;
  let written: string;
  beforeEach(async () => {
    ({ folder, remove } = await temporaryFolder());
    written = "";
  });
  afterEach(() => remove());

  const node = (name: string, code: string, counts = true): Job => ({
    ...{ name, counts, command: process.execPath, args: ["-e", code] },
  });
  const run = async (lanes: number, ...jobs: Job[]): Promise<Result[]> => {
    const { runLanes } = (await import(script)) as { runLanes: RunLanes };
    return runLanes(jobs, { lanes, cwd: folder, write: (text) => (written += text) });
  };
  const verdicts = (results: readonly Result[]) =>
    results.map(({ passed, failed, skipped, failures }) => [passed, failed, skipped, ...failures]);

  it("count what passed, failed and was skipped, in the order of the jobs", async () => {
    const results = await run(
      2,
      node("good", count(3, 0)),
      node("bad", `${count(2, 1)} process.exitCode = 1`),
      node("a check", "", false),
      node("a failing check", "process.exitCode = 2", false),
    );
    assert.deepEqual(verdicts(results), [
      [3, 0, 1],
      [2, 1, 1, "a test"],
      [1, 0, 0],
      [0, 1, 0, "a failing check ended with 2"],
    ]);
    assert.deepEqual(
      results.map(({ counted }) => counted),
      [true, true, false, false],
    );
  });

  it("take a crash for a failure, before and after the counts, and go on", async () => {
    const results = await run(
      1,
      node("ends early", "process.exit(0)"),
      node("is killed", "process.kill(process.pid, 'SIGKILL')"),
      node("crashes late", `${count(1, 0)} process.exitCode = 7`),
      node("is killed late", `${count(1, 1)} process.kill(process.pid, "SIGKILL")`),
      { ...node("is not there", ""), command: path.join(folder, "nothing") },
      node("last", count(1, 0)),
    );
    assert.deepEqual(verdicts(results.filter(({ name }) => name !== "is not there")), [
      [0, 1, 0, "ends early did not run to its end (0)"],
      [0, 1, 0, "is killed did not run to its end (SIGKILL)"],
      [1, 1, 1, "crashes late ended with 7"],
      [1, 2, 1, "a test", "is killed late ended with SIGKILL"],
      [1, 0, 1],
    ]);
    assert.match(results[4]?.failures.join() ?? "", /^is not there did not run to its end \(.*ENOENT/);
  });

  it("run side by side, and show each job's output in one piece, in the order it was said", async () => {
    // Each waits for the other's file: in one lane the first would wait for ever.
    const meet = (mine: string, other: string): string =>
      `const fs = require("fs"); console.log("${mine} out"); console.error("${mine} err");
       fs.writeFileSync("${mine}", "");
       const timer = setInterval(() => {
         if (!fs.existsSync("${other}")) return;
         clearInterval(timer);
         console.log("${mine} met");
         ${count(1, 0)}
       }, 5);`;
    const results = await run(2, node("first", meet("a", "b")), node("second", meet("b", "a")));
    assert.deepEqual(
      results.map(({ output }) => output),
      ["a out\na err\na met\n", "b out\nb err\nb met\n"],
    );
    assert.match(written, /── first \(\d+ s\)\na out\na err\na met\n/);
    assert.match(written, /── second \(\d+ s\)\nb out\nb err\nb met\n/);
  });

  it("take each job once, and run in the folder that they are given", async () => {
    const jobs = Array.from({ length: 9 }, (_, i) =>
      node(`${i}`, `require("fs").appendFileSync("ran", "${i}"); ${count(1, 0)}`),
    );
    writeFileSync(path.join(folder, "ran"), "");
    const results = await run(3, ...jobs);
    assert.deepEqual(
      results.map(({ name }) => name),
      jobs.map(({ name }) => name),
    );
    assert.equal([...readFileSync(path.join(folder, "ran"), "utf8")].sort().join(""), "012345678");
  });
});
