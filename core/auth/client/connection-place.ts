import { randomUUID } from "node:crypto";
import { errorMessage, hasCode, unavailable, type CodedError } from "../../errors/error.js";
import { formatDuration } from "../../grammar/duration.js";
import type { Clock } from "../../plugin/clock.js";
import type { Logger } from "../../plugin/logger.js";
import type { AuthApi } from "./api.js";
import { jitteredDelay, withRetries } from "./retry.js";

const BACKOFF = { baseMs: 1_000, maxMs: 10_000 };

/** Whose connection takes a place, and what becomes of it. */
export interface ConnectionPlaceOptions {
  readonly user: string;
  /** How many connections the user may have at a time, over the whole cluster. */
  readonly max: number;
  /** Called at most once, when the place is lost: the connection must end. Never called after `release` was. */
  readonly onLost: (reason: CodedError) => void;
  readonly log: Logger;
  readonly clock: Clock;
}

interface Lease {
  readonly leaseMs: number;
  /** Milliseconds of the clock. */
  readonly ends: number;
}

/** One of a user's places, held for a connection. */
export interface ConnectionPlace {
  /**
   * Gives the place back; to be called also after it was lost. Idempotent; never rejects, since a place that cannot be
   * given back frees itself.
   */
  release(): Promise<void>;
}

/**
 * Takes a place and keeps it until it is released. It is renewed every third to half of its lease, so that an auth
 * service may be away for about half a lease; only a lease that has run out, or a refusal, loses the place. Throws
 * `limit_exceeded` with the text for the user where all places are taken, and `unavailable`.
 */
export async function takeConnectionPlace(
  api: Pick<AuthApi, "holdConnectionPlace" | "releaseConnectionPlace">,
  { user, max, onLost, log, clock }: ConnectionPlaceOptions,
): Promise<ConnectionPlace> {
  const id = randomUUID();
  const closing = new AbortController();
  const { signal } = closing;

  let asking: Promise<unknown> = Promise.resolve();

  /** Takes or renews the place. The lease counts from before the question: the server's own ends no earlier. */
  const hold = async (): Promise<Lease> => {
    const asked = clock.now().getTime();
    const answer = api.holdConnectionPlace({ user, id, max });
    asking = answer.catch(() => undefined);
    const { lease_ms: leaseMs } = await answer;
    return { leaseMs, ends: asked + leaseMs };
  };

  async function giveBack(): Promise<void> {
    // A renewal that arrived after this would take the place anew.
    await asking;
    await api.releaseConnectionPlace(user, id).catch((error: unknown) => {
      log.debug("a connection's place frees itself later", { user, reason: errorMessage(error) });
    });
  }

  async function keep({ leaseMs, ends }: Lease): Promise<void> {
    for (let failures = 0; !signal.aborted;) {
      const pause = failures === 0 ? leaseMs * (1 / 3 + Math.random() / 6) : jitteredDelay(failures, BACKOFF);
      await clock.sleep(Math.min(pause, remaining(ends)), signal);
      try {
        ({ leaseMs, ends } = await beforeEnd(hold(), ends));
        failures = 0;
      } catch (error) {
        if (signal.aborted) return;
        if (hasCode(error, "limit_exceeded") || hasCode(error, "access_denied")) {
          throw error;
        }
        if (remaining(ends) === 0) {
          throw unavailable(
            `the connection's place could not be renewed for ${formatDuration(leaseMs)}: ${errorMessage(error)}`,
            { cause: error },
          );
        }
        failures += 1;
      }
    }
  }

  const remaining = (ends: number): number => Math.max(0, ends - clock.now().getTime());

  /** The answer, or `unavailable` where it is not there before the lease ends. */
  async function beforeEnd<T>(answer: Promise<T>, ends: number): Promise<T> {
    const answered = new AbortController();
    const tooLate = clock.sleep(remaining(ends), AbortSignal.any([signal, answered.signal])).then(() => {
      throw unavailable("the auth service does not answer");
    });
    try {
      return await Promise.race([answer, tooLate]);
    } finally {
      answered.abort(new Error("answered"));
    }
  }

  const first = await withRetries(hold, clock, signal).catch((error: unknown) => {
    // The answer may have been lost after the place was taken.
    if (hasCode(error, "unavailable")) void giveBack();
    throw error;
  });
  const kept = keep(first).catch((error: unknown) => {
    if (signal.aborted) return;
    closing.abort();
    log.warn("a connection has lost its place", { user, reason: errorMessage(error) });
    onLost(error as CodedError);
  });
  let released: Promise<void> | undefined;
  return {
    release: () =>
      (released ??= (async () => {
        closing.abort(new Error("released"));
        await kept;
        await giveBack();
      })()),
  };
}
