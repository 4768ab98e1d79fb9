import { setMaxListeners } from "node:events";
import { ConditionalCheckFailedException, type AttributeValue } from "@aws-sdk/client-dynamodb";
import { unavailable, type Clock, type Logger, type PluginMetrics } from "@teleport/plugin";
import { backoffMs, RetryBudget } from "./backoff.js";
import { understand, type Failure } from "./failure.js";
import { Gate } from "./gate.js";
import { linkSignals } from "./linked-signal.js";

/** Attempts of one call, and how long it goes on trying. */
const MAX_ATTEMPTS = 10;
const MAX_TRYING_MS = 15_000;
const MAX_IN_FLIGHT = 32;

/** What every request needs to know. */
export interface RequestContext {
  readonly table: string;
  readonly region: string;
  readonly clock: Clock;
  readonly log: Logger;
  readonly metrics?: PluginMetrics | undefined;
  /** The longest wait between two attempts. */
  readonly retryPeriodMs: number;
}

/** How one call is made. */
export interface CallOptions {
  /** Ends the call; it then rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
  /** Failures that are of the call's own kind are thrown as they are: this says which. */
  readonly expected?: (thrown: unknown) => boolean;
  /** A write: at {@link Requests.close} it may come to its end. Everything else is cut off at once. */
  readonly write?: boolean;
  /** One attempt only, for work that comes round again anyway. */
  readonly once?: boolean;
}

/** One attempt; the SDK takes the options as they are. */
export type Attempt<T> = (options: { readonly abortSignal: AbortSignal }) => Promise<T>;

/** A condition that did not hold, and what stood in its way. */
export class ConditionFailed extends Error {
  constructor(
    /** The row as it is; absent where there is none. */
    readonly row: Readonly<Record<string, AttributeValue>> | undefined,
    /** Whether an earlier attempt of this very call may have been carried out. */
    readonly afterUnsure: boolean,
  ) {
    super("the condition of a write did not hold");
  }
}

/**
 * Makes the calls of one storage: a limited number at once, with retries that are capped, fully jittered and paid from
 * a budget. Whatever fails is a storage error, see `failure.ts`; a condition that fails is {@link ConditionFailed}.
 */
export class Requests {
  readonly #gate = new Gate(MAX_IN_FLIGHT);
  readonly #budget = new RetryBudget();
  /** Nothing new is started any more. */
  readonly #stopped = new AbortController();
  /** What is under way is cut off. */
  readonly #cut = new AbortController();
  readonly #underWay = new Set<Promise<unknown>>();

  constructor(readonly context: RequestContext) {
    // Each request listens to them, and there may be many.
    setMaxListeners(0, this.#stopped.signal, this.#cut.signal);
  }

  /** Aborted as soon as {@link close} is called, with an `unavailable` error. */
  get closed(): AbortSignal {
    return this.#stopped.signal;
  }

  /** Calls `attempt` until it succeeds or trying again makes no sense. `operation` is the name that IAM has for it. */
  async call<T>(operation: string, attempt: Attempt<T>, options: CallOptions = {}): Promise<T> {
    if (!options.signal) {
      return this.#call(operation, attempt, options, this.closed);
    }
    const { signal, unlink } = linkSignals([this.closed, options.signal]);
    try {
      return await this.#call(operation, attempt, options, signal);
    } finally {
      unlink();
    }
  }

  async #call<T>(
    operation: string,
    attempt: Attempt<T>,
    options: CallOptions,
    waiting: AbortSignal,
  ): Promise<T> {
    const cut = options.write ? this.#cut.signal : waiting;
    const deadline = performance.now() + MAX_TRYING_MS;
    let unsure = false;
    for (let attempts = 1; ; attempts++) {
      let failure: Failure;
      try {
        const result = await this.#attempt(attempt, waiting, cut);
        this.#budget.refill();
        return result;
      } catch (thrown) {
        waiting.throwIfAborted();
        if (thrown instanceof ConditionalCheckFailedException) {
          this.#budget.refill();
          throw new ConditionFailed(thrown.Item, unsure);
        }
        if (options.expected?.(thrown)) {
          throw thrown;
        }
        failure = understand(thrown, { operation, ...this.context });
      }
      unsure ||= failure.kind === "unsure";
      if (failure.kind === "throttled") {
        this.context.metrics?.count("throttled");
      }
      const over = options.once || attempts >= MAX_ATTEMPTS || performance.now() > deadline;
      if (failure.kind === "final" || over || !this.#budget.take()) {
        throw failure.error;
      }
      this.context.metrics?.count("retried");
      await this.pause(attempts, failure.error.retryAfterMs, waiting);
    }
  }

  /** Waits before another attempt: as long as the service asks for, or a jittered time. */
  async pause(attempt: number, retryAfterMs: number | undefined, signal: AbortSignal): Promise<void> {
    const { clock, retryPeriodMs } = this.context;
    const waitMs = backoffMs(attempt, retryPeriodMs) + Math.min(retryAfterMs ?? 0, retryPeriodMs);
    await clock.sleep(waitMs, signal);
  }

  /** Counts what the service left undone because of its load, and pays for the retry; false where that is not possible. */
  mayRetryThrottled(): boolean {
    this.context.metrics?.count("throttled");
    const paid = this.#budget.take();
    if (paid) {
      this.context.metrics?.count("retried");
    }
    return paid;
  }

  /** Starts nothing any more, gives what is under way `graceMs` to end, and cuts off the rest. */
  async close(graceMs: number): Promise<void> {
    this.#stopped.abort(unavailable("the storage is closed"));
    const patience = new AbortController();
    const over = this.context.clock.sleep(graceMs, patience.signal).catch(() => undefined);
    await Promise.race([Promise.allSettled(this.#underWay), over]);
    patience.abort();
    this.#cut.abort(unavailable("the storage is closed"));
    await Promise.allSettled(this.#underWay);
  }

  async #attempt<T>(attempt: Attempt<T>, waiting: AbortSignal, abortSignal: AbortSignal): Promise<T> {
    await this.#gate.enter(waiting);
    const work = attempt({ abortSignal });
    this.#underWay.add(work);
    try {
      return await work;
    } finally {
      this.#underWay.delete(work);
      this.#gate.leave();
    }
  }
}
