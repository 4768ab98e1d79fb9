import {
  errorMessage,
  hasCode,
  unavailable,
  type Clock,
  type CodedError,
  type Logger,
} from "@teleport/plugin";

/** Between two looks at a store: while it answers, and while it is away. */
const LOOK_MS = 5_000;
const LOOK_AWAY_MS = 1_000;

/** Whether the storage answers, for whoever has to say so. */
export interface StorageHealth {
  /** The moment whose state reads show; undefined while the storage answers. */
  staleSince(): Date | undefined;
  /** Why the storage does not answer; undefined while it does. */
  problem(): string | undefined;
  /** Resolves when the storage has gone away or come back next, and when the signal is aborted. */
  changed(signal: AbortSignal): Promise<void>;
}

/** What telling takes. */
export interface HealthWatchOptions {
  /** Reads from the store. A failure other than `unavailable` is an answer too. */
  readonly look: () => Promise<unknown>;
  /** A store that does not answer a look in this time is away. */
  readonly patienceMs: number;
  /** Up to when the replica was in step, where that is not until now. */
  readonly brokenSince: () => Date | undefined;
  /** Called when the store has gone away. */
  readonly onAway: () => void;
  readonly clock: Clock;
  readonly log: Logger;
}

/** Looks at a store from time to time, and at once when an operation failed. One failure alone is no absence. */
export class HealthWatch implements StorageHealth {
  readonly #options: HealthWatchOptions;
  readonly #stop = new AbortController();
  #away: { readonly since: Date; readonly reason: string } | undefined;
  #answeredAt: Date;
  #looking: Promise<void> | undefined;
  #wake = (): void => undefined;
  readonly #waiting = new Set<() => void>();

  constructor(options: HealthWatchOptions) {
    this.#options = options;
    this.#answeredAt = options.clock.now();
  }

  start(): void {
    void this.#run();
  }

  /** Ends it. A backend that does not answer is not waited for. */
  stop(): void {
    this.#stop.abort();
    this.#wake();
    this.#release();
  }

  staleSince(): Date | undefined {
    return this.#away?.since;
  }

  problem(): string | undefined {
    return this.#away?.reason;
  }

  /** What operations fail with while the store is away. */
  error(): CodedError {
    const { since, reason } = this.#away ?? { since: this.#answeredAt, reason: "it does not answer" };
    return unavailable(
      `the storage is away since ${since.toISOString()}, so nothing can be changed: ${reason}; try again later`,
      { retryAfterMs: LOOK_AWAY_MS },
    );
  }

  changed(signal: AbortSignal): Promise<void> {
    if (signal.aborted || this.#stop.signal.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const done = (): void => {
        this.#waiting.delete(done);
        signal.removeEventListener("abort", done);
        resolve();
      };
      this.#waiting.add(done);
      signal.addEventListener("abort", done, { once: true });
    });
  }

  /** An operation failed with `unavailable`, or took too long: looks whether the store answers, and then resolves. */
  suspect(): Promise<void> {
    if (this.#stop.signal.aborted) return Promise.resolve();
    return (this.#looking ??= this.#look().finally(() => (this.#looking = undefined)));
  }

  async #run(): Promise<void> {
    const { clock } = this.#options;
    const { signal } = this.#stop;
    while (!signal.aborted) {
      const pause = new AbortController();
      const woken = new Promise<void>((resolve) => (this.#wake = resolve));
      const waitMs = this.#away ? LOOK_AWAY_MS : LOOK_MS;
      const waited = clock.sleep(waitMs, AbortSignal.any([signal, pause.signal])).catch(() => undefined);
      await Promise.race([waited, woken]);
      pause.abort();
      if (!signal.aborted) await this.suspect();
    }
  }

  async #look(): Promise<void> {
    const { clock, look, patienceMs } = this.#options;
    const asked = clock.now();
    const settled = new AbortController();
    const late = clock.sleep(patienceMs, AbortSignal.any([settled.signal, this.#stop.signal])).then(
      () => `it did not answer in ${patienceMs / 1000} s`,
      () => undefined,
    );
    const answer = look().then(
      () => undefined,
      (error: unknown) => (hasCode(error, "unavailable") ? errorMessage(error) : undefined),
    );
    const reason = await Promise.race([answer, late]);
    settled.abort();
    if (this.#stop.signal.aborted) return;
    if (reason === undefined) this.#answered(asked);
    else this.#failed(reason);
  }

  #answered(asked: Date): void {
    const before = this.#away;
    this.#away = undefined;
    this.#answeredAt = asked;
    if (before === undefined) return;
    this.#options.log.info("the storage is back", { away: before.since.toISOString() });
    this.#release();
  }

  #failed(reason: string): void {
    if (this.#away) {
      this.#away = { ...this.#away, reason };
      return;
    }
    const since = this.#options.brokenSince() ?? this.#answeredAt;
    this.#away = { since, reason };
    this.#options.log.warn("the storage is away: reads are answered from a replica, changes are refused", {
      since: since.toISOString(),
      reason,
    });
    this.#wake();
    this.#release();
    this.#options.onAway();
  }

  #release(): void {
    for (const done of [...this.#waiting]) done();
  }
}

/** The health of a storage that is not looked after: it is taken to answer. */
export const unwatchedHealth: StorageHealth = {
  staleSince: () => undefined,
  problem: () => undefined,
  changed: (signal) =>
    new Promise((resolve) => {
      if (signal.aborted) resolve();
      else signal.addEventListener("abort", () => resolve(), { once: true });
    }),
};
