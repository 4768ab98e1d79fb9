/** What `teleport plugin test` prints. */
import { errorMessage } from "../../errors/error.js";
import { CONFORMANCE_GROUPS } from "../../plugin/kit/storage-conformance.js";
import { TEST_KEYS } from "../../process/storage-test/test-keys.js";
import type { CaseResult, StorageTestReport } from "../../process/storage-test/storage-test.js";
import { table } from "../table.js";
import { quotedWhereNeeded, terminalText } from "../terminal-text.js";

/** How many lines of an assertion's message are shown. */
const MESSAGE_LINES = 16;

/** What will happen, before it does. */
export function announcement(id: string, seed: number, configFile: string | undefined): string {
  const store = configFile === undefined ? "in a scratch directory" : `on the store of ${configFile}`;
  return terminalText(`Testing ${id} ${store}, seed ${seed}.`).concat(
    `\nKeys are written below ${TEST_KEYS} only and removed at the end; writing processes are started and killed.\n\n`,
  );
}

/** One line for each case, while the test runs. */
export function progressLine({ testCase, outcome, ms }: CaseResult): string {
  return `${outcome.status.padEnd(7)} ${testCase.name} (${seconds(ms)})\n`;
}

/** The whole report for humans. */
export function textReport(
  plugin: string,
  configFile: string | undefined,
  { results, capabilities }: StorageTestReport,
): string {
  const groups = groupTotals(results).map(({ group, passed, failed, skipped, ms }) => [
    group,
    String(passed),
    String(failed),
    String(skipped),
    seconds(ms),
  ]);
  const matrix = capabilities.map(({ capability, stated, proven }) => [capability, String(stated), proven]);
  const again = `teleport plugin test ${plugin}${configFile === undefined ? "" : ` --config ${configFile}`}`;
  return [
    table(["Group", "Passed", "Failed", "Skipped", "Time"], groups),
    table(["Capability", "Stated", "Proven"], matrix),
    ...results.flatMap((result) => details(result, again)),
    summary(results),
  ].join("\n");
}

/** The whole report for programs. */
export function jsonReport(
  id: string,
  seed: number,
  { results, capabilities, complete }: StorageTestReport,
): string {
  const report = {
    plugin: id,
    seed,
    complete,
    capabilities,
    groups: groupTotals(results).map(({ ms, ...totals }) => ({ ...totals, ms: Math.round(ms) })),
    cases: results.map(({ testCase: { group, title, seed }, outcome, ms }) => ({
      group,
      title,
      ...(seed !== undefined && { seed }),
      status: outcome.status,
      ...(outcome.status === "skipped" && { reason: outcome.reason }),
      ...(outcome.status === "failed" && { reason: errorMessage(outcome.error) }),
      ms: Math.round(ms),
    })),
  };
  return `${JSON.stringify(report, undefined, 2)}\n`;
}

interface GroupTotals {
  readonly group: string;
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
  readonly ms: number;
}

function groupTotals(results: readonly CaseResult[]): GroupTotals[] {
  return CONFORMANCE_GROUPS.flatMap((group) => {
    const own = results.filter(({ testCase }) => testCase.group === group);
    const count = (status: string): number => own.filter(({ outcome }) => outcome.status === status).length;
    const ms = own.reduce((sum, result) => sum + result.ms, 0);
    return own.length === 0
      ? []
      : [{ group, passed: count("passed"), failed: count("failed"), skipped: count("skipped"), ms }];
  });
}

/** What has to be said about a case that did not pass; a plugin's own words among it are shown as text. */
function details({ testCase, outcome }: CaseResult, again: string): string[] {
  const { name, group, seed } = testCase;
  if (outcome.status === "passed") return [];
  if (outcome.status === "skipped") return [`SKIPPED ${name}\n    ${terminalText(outcome.reason)}\n`];
  const lines = errorMessage(outcome.error).split("\n");
  const shown = lines.slice(0, MESSAGE_LINES).map((line) => `    ${terminalText(line)}`);
  if (lines.length > MESSAGE_LINES) shown.push(`    (${lines.length - MESSAGE_LINES} more lines)`);
  const only = group.includes(" ") ? `'${group}'` : group;
  const repeat = `${quotedWhereNeeded(again)} --only ${only}${seed === undefined ? "" : ` --seed ${seed}`}`;
  return [`FAILED ${name}\n${shown.join("\n")}\n    again: ${repeat}\n`];
}

function summary(results: readonly CaseResult[]): string {
  const count = (status: string): number => results.filter(({ outcome }) => outcome.status === status).length;
  return `${count("passed")} passed, ${count("failed")} failed, ${count("skipped")} skipped\n`;
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}
