/** Runs jobs, several at a time; the output of each is shown as one piece when it has ended. */
import { spawn } from "node:child_process";
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";

/**
 * Runs jobs of `scripts/test-jobs.mjs` in `lanes` lanes, each of which takes the next job when its last has ended.
 * `write` gets the headline and the output of each job. Returns the results in the order of the jobs: `name`,
 * `counted`, `passed`, `failed`, `skipped`, `failures` (a line each), `output` and `seconds`. A job that ends without its counts has failed, and so
 * has one that ends with another exit code than its counts call for.
 */
export async function runLanes(jobs, { lanes, cwd, write }) {
  const folder = mkdtempSync(path.join(tmpdir(), "teleport-lanes-"));
  const results = [];
  let next = 0;
  const lane = async () => {
    while (next < jobs.length) {
      const index = next++;
      const job = jobs[index];
      const result = await runJob(job, path.join(folder, String(index)), cwd);
      write(`\n── ${job.name} (${result.seconds.toFixed(0)} s)\n${result.output}`);
      results[index] = { name: job.name, counted: job.counts, ...result };
    }
  };
  try {
    await Promise.all(Array.from({ length: lanes }, lane));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  return results;
}

async function runJob(job, base, cwd) {
  const started = performance.now();
  // A file keeps the order of both streams, and what was said before a crash.
  const output = openSync(`${base}.log`, "a+");
  const end = await ended(
    spawn(job.command, job.args, {
      cwd,
      stdio: ["ignore", output, output],
      env: { ...process.env, ...(job.counts && { TEST_COUNTS: `${base}.json` }) },
    }),
  );
  closeSync(output);
  return {
    ...(job.counts ? countsOf(job, end, `${base}.json`) : verdictOf(job, end)),
    output: readFileSync(`${base}.log`, "utf8"),
    seconds: (performance.now() - started) / 1000,
  };
}

/** The exit code, or the signal or error that ended it. */
function ended(child) {
  return new Promise((resolve) => {
    child.once("error", (error) => resolve(error.message));
    child.once("close", (code, signal) => resolve(code ?? signal));
  });
}

function verdictOf({ name }, end) {
  return end === 0
    ? { passed: 1, failed: 0, skipped: 0, failures: [] }
    : { passed: 0, failed: 1, skipped: 0, failures: [`${name} ended with ${end}`] };
}

function countsOf({ name }, end, file) {
  let counts;
  try {
    counts = JSON.parse(readFileSync(file, "utf8"));
  } catch {
    return { passed: 0, failed: 1, skipped: 0, failures: [`${name} did not run to its end (${end})`] };
  }
  const explained = end === 0 || (Number.isInteger(end) && counts.failed > 0);
  if (explained) return counts;
  const failures = [...counts.failures, `${name} ended with ${end}`];
  return { ...counts, failed: counts.failed + 1, failures };
}
