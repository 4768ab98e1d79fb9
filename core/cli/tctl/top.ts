import type { Command } from "commander";
import { badParameter, errorMessage, unavailable } from "../../errors/error.js";
import { parseDuration } from "../../grammar/duration.js";
import { systemClock, type Clock } from "../../plugin/clock.js";
import { printToStdout } from "../output.js";
import { withExamples } from "../program.js";
import { parseMetrics, type Snapshot } from "./prometheus-text.js";
import { topPage } from "./top-report.js";
import { runTopScreen } from "./top-screen.js";

const ANSWER_MS = 5_000;
const SHORTEST_REFRESH_MS = 100;

/** `tctl top [diag-addr] [refresh]` (features.md §2.7): the metrics of a daemon, live on a terminal and once elsewhere. */
export function configure(command: Command): void {
  command
    .argument("[diag-addr]", "where the daemon serves its diagnostics", "http://127.0.0.1:3434")
    .argument("[refresh]", "time between two reports", "5s")
    .action(showTop);
  withExamples(command, "tctl top", "tctl top http://127.0.0.1:3434 1s", "tctl top | grep 'Open File'");
}

async function showTop(address: string, refresh: string): Promise<void> {
  const url = metricsUrl(address);
  const refreshMs = parseDuration(refresh);
  if (refreshMs < SHORTEST_REFRESH_MS) {
    throw badParameter(`the refresh time ${refresh} is too short; give ${SHORTEST_REFRESH_MS}ms or more`);
  }
  const read = (): Promise<Snapshot> => readMetrics(url, systemClock);
  const first = await read();
  if (!process.stdin.isTTY || !process.stdout.isTTY) {
    return printToStdout(`${topPage("1", { current: first, previous: undefined })}\n`);
  }
  await runTopScreen({ first, read, refreshMs, clock: systemClock });
}

/** Where the metrics are, by the address of the diagnostics. Throws `bad_parameter`. */
export function metricsUrl(address: string): URL {
  try {
    const url = new URL(address.includes("://") ? address : `http://${address}`);
    if (url.protocol === "http:") return new URL("/metrics", url);
  } catch {
    // Said below.
  }
  throw badParameter(`${JSON.stringify(address)} is no address of diagnostics; give http://HOST:PORT`);
}

/** Reads a daemon's metrics. Throws `unavailable`, saying how to make the daemon serve them. */
export async function readMetrics(url: URL, clock: Clock): Promise<Snapshot> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(ANSWER_MS), redirect: "error" });
    const text = await response.text();
    if (!response.ok) throw unavailable(`the answer is ${response.status}`);
    return parseMetrics(text, clock.now());
  } catch (cause) {
    throw unavailable(
      `cannot read metrics from ${url.origin} (${errorMessage(cause)}); start teleport with --diag-addr=${url.host}`,
      { cause },
    );
  }
}
