import { errorMessage } from "../../errors/error.js";
import type { Clock } from "../../plugin/clock.js";
import type { Logger } from "../../plugin/logger.js";
import type { KeepAlive } from "./api.js";
import { jitteredDelay } from "./retry.js";

/** How long an announcement counts, for `metadata.expires` of the announced server (wire.md §6.1). */
export const ANNOUNCE_TTL_MS = 600_000;

const ANNOUNCE_LEAST_MS = 300_000;
const ANNOUNCE_SPREAD_MS = 60_000;
const KEEP_ALIVE_MS = 60_000;
const SETTLE_MS = 1_000;
/** Before announcing anew because keep-alives ended; spread, since a restarting auth server ends those of all nodes. */
const STREAM_PAUSE_MS = 5_000;
const BACKOFF = { baseMs: 2_000, maxMs: 60_000 };

/** What a heartbeat announces, and how. */
export interface HeartbeatOptions {
  /** Announces the server in full, with its present labels and addresses. */
  readonly announce: () => Promise<KeepAlive | void>;
  /** Keeps the announcement alive in between; for nodes, whose announcements return what to send. */
  readonly keepAlive?: ((keepAlives: AsyncIterable<KeepAlive>) => Promise<void>) | undefined;
  readonly log: Logger;
  readonly clock: Clock;
}

/** A server's signs of life. */
export interface Heartbeat {
  /** Resolves after the first announcement that succeeded. */
  readonly announced: Promise<void>;
  /** Announces again soon: labels or addresses have changed. */
  changed(): void;
  close(): Promise<void>;
}

/**
 * Announces at once, then every 300 to 360 s, after changes, and when the stream of keep-alives ends; each of these
 * goes out every 60 s. Failures are logged and tried again with back-off.
 */
export function startHeartbeat({ announce, keepAlive, log, clock }: HeartbeatOptions): Heartbeat {
  const closing = new AbortController();
  const { signal } = closing;
  let wake = (): void => undefined;
  let due = false;
  let firstDone = (): void => undefined;
  const announced = new Promise<void>((resolve) => (firstDone = resolve));
  let keptAlive = false;

  function wakeUp(): void {
    due = true;
    wake();
  }

  function keepAliveFrom(first: KeepAlive): void {
    if (!keepAlive || keptAlive) return;
    keptAlive = true;
    keepAlive(beats(first, clock, signal))
      .catch((error: unknown) => {
        if (!signal.aborted) log.warn(`keep-alives ended: ${errorMessage(error)}`);
      })
      .then(() => clock.sleep(STREAM_PAUSE_MS * (1 + Math.random()), signal))
      .then(
        () => {
          keptAlive = false;
          wakeUp();
        },
        // Closed meanwhile.
        () => undefined,
      );
  }

  /** Waits until the next announcement is due, by time, by a change, or because keep-alives ended. */
  async function untilDue(): Promise<void> {
    const timer = new AbortController();
    const period = ANNOUNCE_LEAST_MS + Math.random() * ANNOUNCE_SPREAD_MS;
    if (!due) {
      const woken = new Promise<void>((resolve) => (wake = resolve));
      await Promise.race([clock.sleep(period, AbortSignal.any([signal, timer.signal])), woken]).catch(
        () => undefined,
      );
      timer.abort();
    }
    // Changes come in groups: one announcement serves them all.
    if (due) await clock.sleep(Math.random() * SETTLE_MS, signal);
  }

  async function run(): Promise<void> {
    for (let attempt = 0; !signal.aborted;) {
      due = false;
      try {
        const first = await announce();
        attempt = 0;
        firstDone();
        if (first) keepAliveFrom(first);
        await untilDue();
      } catch (error) {
        if (signal.aborted) return;
        const waitMs = jitteredDelay(attempt++, BACKOFF);
        log.warn(`cannot announce this server: ${errorMessage(error)}`, {
          retrySeconds: Math.round(waitMs / 1000),
        });
        await clock.sleep(waitMs, signal).catch(() => undefined);
      }
    }
  }

  const running = run();
  return {
    announced,
    changed: wakeUp,
    async close() {
      closing.abort(new Error("the heartbeat is closed"));
      await running;
    },
  };
}

/** A keep-alive now and every 60 s, each with the time until which it counts; ends when the signal is aborted. */
async function* beats(first: KeepAlive, clock: Clock, signal: AbortSignal): AsyncIterable<KeepAlive> {
  while (!signal.aborted) {
    yield { ...first, expires: new Date(clock.now().getTime() + ANNOUNCE_TTL_MS) };
    await clock.sleep(KEEP_ALIVE_MS, signal).catch(() => undefined);
  }
}
