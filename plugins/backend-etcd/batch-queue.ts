import { unavailable } from "@teleport/plugin";
import { CALL_MS } from "./cluster.js";
import { callFailure } from "./failure.js";

/** Requests waiting beyond this are refused, so that an etcd that is away does not fill the memory. */
const WAITING_LIMIT = 20_000;
/** Batches under way at once: with more, requests wait for each other and share one. */
const UNDER_WAY = 4;

/** How a {@link BatchQueue} sends. */
export interface BatchSender<T, R> {
  /** How many of the waiting requests go together, from the first one on; at least 1. */
  readonly fitting: (waiting: readonly T[]) => number;
  /** Sends some at once; resolves to an answer for each. `deadline` is on the monotonic clock, in milliseconds. */
  readonly send: (requests: readonly T[], deadline: number) => Promise<readonly R[]>;
}

interface Waiting<R> {
  readonly deadline: number;
  readonly done: (answer: R) => void;
  readonly failed: (error: unknown) => void;
}

/**
 * Small requests of one kind: one alone is sent as it is, those that come while others are under way share a call. A call
 * costs this process far more than what is in it. The event loop gets its turn between two batches.
 */
export class BatchQueue<T, R> {
  #requests: T[] = [];
  #waiting: Waiting<R>[] = [];
  #underWay = 0;
  #turning = false;

  constructor(private readonly sender: BatchSender<T, R>) {}

  /** Rejects as `send` does, or with `unavailable` where too many wait or its time is over before it is sent. */
  add(request: T): Promise<R> {
    return new Promise((done, failed) => {
      if (this.#requests.length >= WAITING_LIMIT) {
        throw unavailable("too many requests are waiting for etcd; try again", { retryAfterMs: 1000 });
      }
      this.#requests.push(request);
      this.#waiting.push({ deadline: performance.now() + CALL_MS, done, failed });
      this.#next();
    });
  }

  /** Sends in the next turn, so that what is asked for in this one goes together. */
  #next(): void {
    if (this.#turning || this.#underWay >= UNDER_WAY || this.#requests.length === 0) return;
    this.#turning = true;
    setImmediate(() => {
      this.#turning = false;
      this.#refuseLate();
      if (this.#requests.length > 0) {
        const count = this.sender.fitting(this.#requests);
        void this.#send(this.#requests.splice(0, count), this.#waiting.splice(0, count));
      }
      this.#next();
    });
  }

  async #send(requests: readonly T[], waiting: readonly Waiting<R>[]): Promise<void> {
    this.#underWay++;
    const deadline = waiting[0]?.deadline ?? 0;
    try {
      const answers = await this.sender.send(requests, deadline);
      waiting.forEach(({ done }, index) => done(answers[index] as R));
    } catch (error) {
      if (requests.length === 1 || !mayConcernOne(error)) waiting.forEach(({ failed }) => failed(error));
      else await this.#sendEach(requests, waiting);
    } finally {
      this.#underWay--;
      this.#next();
    }
  }

  /** What etcd has refused as a whole may be the fault of one. */
  async #sendEach(requests: readonly T[], waiting: readonly Waiting<R>[]): Promise<void> {
    await Promise.all(
      requests.map(async (request, index) => {
        const { deadline, done, failed } = waiting[index] as Waiting<R>;
        try {
          const [answer] = await this.sender.send([request], deadline);
          done(answer as R);
        } catch (error) {
          failed(error);
        }
      }),
    );
  }

  #refuseLate(): void {
    const now = performance.now();
    const late = this.#waiting.findIndex(({ deadline }) => deadline > now);
    const count = late === -1 ? this.#waiting.length : late;
    this.#requests.splice(0, count);
    for (const { failed } of this.#waiting.splice(0, count)) {
      failed(unavailable("etcd does not answer in time; try again", { retryAfterMs: 1000 }));
    }
  }
}

/** Whether etcd, which has carried out nothing, may take the requests one by one. */
function mayConcernOne(error: unknown): boolean {
  return ["denied", "too_large", "refused"].includes(callFailure(error, "etcd").kind);
}
