import { errorCode, type Clock, type Revision } from "@teleport/plugin";

/** Writes the lease again so that it runs until `untilMs`; throws where its revision is no longer `last`. */
export type RenewLease = (last: Revision, untilMs: number) => Promise<Revision>;

/** Keeps a lease alive by renewing it at a third of its time, and says when it is lost. */
export class HeldLease {
  readonly #lost = new AbortController();
  readonly #stop = new AbortController();
  readonly #finished: Promise<void>;
  #revision: Revision;
  #untilMs: number;

  /** Starts with a lease that was written just now and whose revision is `revision`. */
  constructor(
    private readonly ttlMs: number,
    private readonly clock: Clock,
    revision: Revision,
    private readonly renew: RenewLease,
  ) {
    this.#revision = revision;
    this.#untilMs = clock.now().getTime() + ttlMs;
    this.#finished = this.#run();
  }

  /** Aborted when the lease has passed to someone else or could not be renewed in its time. */
  get lost(): AbortSignal {
    return this.#lost.signal;
  }

  /** Stops renewing. Returns the revision of a lease that is still held, undefined where it was lost. */
  async stop(): Promise<Revision | undefined> {
    this.#stop.abort();
    await this.#finished;
    return this.#lost.signal.aborted ? undefined : this.#revision;
  }

  async #run(): Promise<void> {
    const signal = this.#stop.signal;
    while (!signal.aborted) {
      const leftMs = this.#untilMs - this.clock.now().getTime();
      if (leftMs <= 0) {
        this.#lost.abort();
        return;
      }
      // A renewal that fails is tried again at a third of what is left, down to a tenth of a second.
      const pauseMs = Math.min(Math.max(leftMs / 3, 100), leftMs);
      await this.clock.sleep(Math.ceil(pauseMs), signal).catch(() => undefined);
      if (!signal.aborted && this.clock.now().getTime() < this.#untilMs && !(await this.#renewed())) {
        return;
      }
    }
  }

  /** False where the lease has passed to someone else. */
  async #renewed(): Promise<boolean> {
    const untilMs = this.clock.now().getTime() + this.ttlMs;
    try {
      this.#revision = await this.renew(this.#revision, untilMs);
      this.#untilMs = untilMs;
      return true;
    } catch (error) {
      const code = errorCode(error);
      if (code === "compare_failed" || code === "not_found") {
        this.#lost.abort();
        return false;
      }
      return true;
    }
  }
}
