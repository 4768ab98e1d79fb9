/** The whole test run: build, lint, format check, every test. The last line counts what passed, failed and was skipped. */
import { readFileSync, rmSync } from "node:fs";
import path from "node:path";
import { mustRun, root, run } from "./run.mjs";

const counts = path.join(root, "dist", ".test-counts.json");
const bin = (name) => path.join(root, "node_modules", ".bin", name);

mustRun(process.execPath, ["scripts/build.mjs", "--clean"]);
const style = [run(bin("eslint"), ["."]), run(bin("prettier"), ["--check", "--log-level=warn", "."])];
const styleFailures = style.filter((code) => code !== 0).length;
rmSync(counts, { force: true });
run(
  bin("mocha"),
  ["--reporter", "scripts/reporter.cjs", "--exit", "dist/test/**/*.test.js", ...process.argv.slice(2)],
  { TEST_COUNTS: counts },
);

let passed = 0;
let failed = styleFailures;
let skipped = 0;
try {
  const tests = JSON.parse(readFileSync(counts, "utf8"));
  passed += tests.passed;
  failed += tests.failed;
  skipped += tests.skipped;
} catch {
  console.log("The tests did not run to their end.");
  failed += 1;
}
if (passed === 0) failed += 1;
passed += style.length - styleFailures;
process.exitCode = failed === 0 ? 0 : 1;
console.log(`${passed} passed, ${failed} failed, ${skipped} skipped`);
