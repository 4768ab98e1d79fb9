/** What of the test run can go on by itself: each job is one run of mocha, or a check of the style. */
import { readdirSync } from "node:fs";
import path from "node:path";
import { root } from "./run.mjs";

/** Jobs that take longest, where there are such: they start first, so that the lanes end together. */
const LONGEST = [
  ...["plugins/backend-dynamo", "e2e/sync-recording", "e2e/storage-migration", "e2e/automation"],
  ...["e2e/storage-migration-crash", "core/auth", "e2e/high-availability", "plugins/backend-etcd"],
  ...["plugins/backend-dir", "e2e/matrix", "e2e/bulk", "e2e/join", "e2e/tctl"],
];
const bin = (name) => path.join(root, "node_modules", ".bin", name);

/**
 * The jobs in the order of their start. Each has a `name`, and a `command` with `args`; `counts` where it is a run of
 * mocha, whose reporter counts, while another passes or fails as a whole. `mochaArgs` are added to each run of mocha.
 */
export function testJobs(mochaArgs) {
  const groups = testGroups(testFiles());
  const jobs = [...groups].map(([name, files]) => mochaJob(name, files, mochaArgs));
  const isLong = ({ name }) => LONGEST.includes(name);
  const inOrder = LONGEST.flatMap((long) => jobs.filter(({ name }) => name === long));
  return [...inOrder, ...styleJobs(), ...jobs.filter((job) => !isLong(job))];
}

/** Compiled test files by the job that runs them: every end-to-end file by itself, the others by folder. */
export function testGroups(files) {
  const groups = new Map();
  for (const file of files) {
    const [room, ...rest] = file.replace(/\.test\.js$/, "").split(path.sep);
    const name = rest.length > 1 || room === "e2e" ? `${room}/${rest[0]}` : room;
    groups.set(name, [...(groups.get(name) ?? []), file]);
  }
  return groups;
}

const tests = path.join(root, "dist", "test");

function testFiles() {
  const isTest = (name) => name.endsWith(".test.js");
  return readdirSync(tests, { recursive: true }).filter(isTest).sort();
}

function mochaJob(name, files, mochaArgs) {
  const reporter = ["--reporter", "scripts/reporter.cjs", "--exit"];
  const paths = files.map((file) => path.join(tests, file));
  return { name, counts: true, command: bin("mocha"), args: [...reporter, ...paths, ...mochaArgs] };
}

function styleJobs() {
  return [
    { name: "eslint", counts: false, command: bin("eslint"), args: ["."] },
    {
      ...{ name: "prettier", counts: false, command: bin("prettier") },
      args: ["--check", "--log-level=warn", "."],
    },
  ];
}
