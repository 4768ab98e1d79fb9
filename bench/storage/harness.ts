/** Measures a backend and the client library below it by turns, so that both meet the same weather. */
import type { Storage } from "@teleport/plugin";
import { openBackend } from "./backend.js";
import { cost, idleTurnMs, median, ownTurnMs, percentiles, round, type Cost } from "./measure.js";
import type { BenchTarget } from "./target.js";
import { watchLatencies } from "./watch-latency.js";

const IN_FLIGHT = 32;
const ITEMS = 10_000;
const ROUNDS = 5;
const VALUE = Buffer.alloc(1024, "x");
/** What the project asks of every backend. */
const LEAST_RATIO = 0.7;
const LONGEST_TURN_MS = 10;

const key = (n: number): string => `/bench/${String(n).padStart(6, "0")}`;

/** Measures one backend; closes it and its server's data. */
export async function benchBackend(target: BenchTarget): Promise<Record<string, unknown>> {
  const { raw, sizes, name, settings } = target;
  const storage = await openBackend(name, settings);
  try {
    const idle = await idleTurnMs();
    await cost(ITEMS, 256, (n) => storage.put({ key: key(n), value: VALUE }));
    await cost(ITEMS, 256, (n) => raw.put(n, VALUE));
    const at = (n: number): number => (n * 7919) % ITEMS;
    const put = await compare(sizes.puts, {
      ours: (n) => storage.put({ key: key(at(n)), value: VALUE }),
      raw: (n) => raw.put(at(n), VALUE),
    });
    const get = await compare(sizes.gets, {
      ours: (n) => storage.get(key(at(n))),
      raw: (n) => raw.get(at(n)),
    });
    const range = await compare(1, { ours: () => readAll(storage), raw: () => expectAll(raw.range()) }, 1);
    const watch = percentiles(await watchLatencies(storage, target));
    const turn = Math.max(put.ownTurnMs, get.ownTurnMs, range.ownTurnMs);
    return {
      backend: name,
      idleTurnMs: { before: idle, after: await idleTurnMs() },
      put,
      get,
      rangeOf10000: range,
      watchAcrossProcessesMs: watch,
      verdicts: {
        put: verdict(put.ratio, (ratio) => ratio >= LEAST_RATIO),
        get: verdict(get.ratio, (ratio) => ratio >= LEAST_RATIO),
        range: verdict(range.ratio, (ratio) => ratio >= LEAST_RATIO),
        watchP99Ms: verdict(watch.p99, (p99) => p99 < target.watchBudgetMs),
        longestTurnMs: verdict(turn, (ms) => ms <= LONGEST_TURN_MS),
      },
    };
  } finally {
    await storage.close();
    await target.close();
  }
}

interface Comparison {
  /** Our rate as a share of the library's: the median over the rounds. */
  readonly ratio: number;
  /** The longest turn that is our own doing: the median over the rounds. */
  readonly ownTurnMs: number;
  readonly ours: Cost;
  readonly raw: Cost;
}

/** Medians over rounds in which both sides take turns, the first of which warms up and does not count. */
async function compare(
  count: number,
  sides: Record<"ours" | "raw", (n: number) => unknown>,
  inFlight = IN_FLIGHT,
): Promise<Comparison> {
  const rounds: Record<"ours" | "raw", Cost>[] = [];
  const turns: number[] = [];
  for (let i = 0; i <= ROUNDS; i++) {
    const ours = await cost(count, inFlight, sides.ours);
    const raw = await cost(count, inFlight, sides.raw);
    const own = await ownTurnMs(count, inFlight, sides.ours);
    if (i > 0) {
      rounds.push({ ours, raw });
      turns.push(own);
    }
  }
  const middle = (side: "ours" | "raw"): Cost => ({
    perSecond: median(rounds.map((one) => one[side].perSecond)),
    cpuMsPerThousand: median(rounds.map((one) => one[side].cpuMsPerThousand)),
    longestTurnMs: median(rounds.map((one) => one[side].longestTurnMs)),
  });
  return {
    ratio: round(median(rounds.map(({ ours, raw }) => ours.perSecond / raw.perSecond))),
    ownTurnMs: median(turns),
    ours: middle("ours"),
    raw: middle("raw"),
  };
}

async function readAll(storage: Storage): Promise<void> {
  let count = 0;
  for await (const _item of storage.range({ start: "/bench/", end: "/bench0" })) count++;
  await expectAll(count);
}

async function expectAll(count: number | Promise<number>): Promise<void> {
  const found = await count;
  if (found !== ITEMS) throw new Error(`the range has ${found} items, not ${ITEMS}`);
}

function verdict(value: number, isGood: (value: number) => boolean): string {
  return `${isGood(value) ? "ok" : "MISSED"} (${value})`;
}
