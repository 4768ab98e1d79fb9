import { unavailable, type Clock, type Logger } from "@teleport/plugin";
import type { ICompare, IRequestOp, IResponseOp } from "etcd3";
import { Backoff } from "./backoff.js";
import { BatchQueue } from "./batch-queue.js";
import { attemptMs, CALL_MS, type Cluster } from "./cluster.js";
import { callFailure, causeOf, mayRetry, type CallFailure } from "./failure.js";
import { Gate } from "./gate.js";
import { Session, SESSION_TTL_S } from "./session.js";

/** Writes waiting beyond this are refused, so that an etcd that is away does not fill the memory. */
const WAITING_LIMIT = 20_000;
/** Most puts of one transaction; etcd's own limit is 128 operations. */
const BATCH_PUTS = 64;
/** Encoding a batch must not hold up the event loop. */
const BATCH_BYTES = 256 * 1024;
const KEEP_ALIVE_MS = (SESSION_TTL_S * 1000) / 3;

/** A transaction to be carried out once. */
export interface Write {
  readonly compare?: readonly ICompare[];
  readonly success: readonly IRequestOp[];
  /** What is read where the conditions do not hold. */
  readonly failure?: readonly IRequestOp[];
}

/** What became of a {@link Write}. */
export type Written =
  /** It was carried out. `responses` is absent where the answer was lost and the fact was found out afterwards. */
  | {
      readonly succeeded: true;
      readonly revision: number;
      readonly responses: readonly IResponseOp[] | undefined;
    }
  /** The conditions did not hold. */
  | { readonly succeeded: false; readonly responses: readonly IResponseOp[] };

/** The operations of a write, made anew for every attempt, and the lease that what is stored hangs on; `0` for none. */
export interface Leased {
  readonly ops: readonly IRequestOp[];
  readonly lease: string;
}

/** A write to one key without a condition. */
export interface Put {
  /** The key in etcd, told by its bytes. */
  readonly id: string;
  readonly bytes: number;
  readonly prepare: () => Promise<Leased>;
  /** Is told that the lease in use is gone. */
  readonly leaseLost: () => void;
}

/** What became of a {@link Put}. */
export interface PutDone {
  readonly revision: number;
  readonly lease: string;
}

/** Carries out transactions exactly once, whatever happens to connections and members meanwhile. */
export class Writer {
  #session: Promise<Session> | undefined;
  #waiting = 0;
  #idle: (() => void) | undefined;
  #closing = false;
  readonly #gate = new Gate();
  readonly #puts = new BatchQueue<Put, PutDone>({
    fitting: fittingPuts,
    send: (puts, deadline) => this.#putAll(puts, deadline),
  });

  constructor(
    private readonly cluster: Cluster,
    private readonly prefix: string,
    private readonly clock: Clock,
    private readonly log: Logger,
    private readonly closed: AbortSignal,
  ) {}

  /** Opens the first session. Rejects with a call failure. */
  async open(): Promise<void> {
    await this.#current();
    void this.#keepAlive();
  }

  /**
   * Carries out a transaction once. `prepare` makes it anew for every attempt, since its leases may be gone by then;
   * `leaseLost` is told of such. Throws a call failure, or `unavailable` where the outcome cannot be found out in time.
   */
  write(prepare: () => Write | Promise<Write>, leaseLost: () => void): Promise<Written> {
    const deadline = performance.now() + CALL_MS;
    const inTime = (): Promise<Written> => {
      if (performance.now() < deadline) return this.#attempts(prepare, leaseLost, deadline);
      throw unavailable("etcd does not answer in time; try again", { retryAfterMs: 1000 });
    };
    // Its attempts pass the cluster's gate as well; here even their preparation waits, which costs more in sum.
    return this.#accepted(() => this.#gate.pass(inTime));
  }

  /** Carries out a put once, in one transaction with others that come at the same time. Throws as {@link write}. */
  put(put: Put): Promise<PutDone> {
    return this.#accepted(() => this.#puts.add(put));
  }

  /** Takes no more writes and waits for those that were accepted, for so long at most. */
  async drain(limitMs: number): Promise<void> {
    this.#closing = true;
    if (this.#waiting === 0) return;
    const limit = new AbortController();
    const idle = new Promise<void>((resolve) => (this.#idle = resolve));
    await Promise.race([idle, this.clock.sleep(limitMs, limit.signal).catch(() => undefined)]);
    limit.abort();
  }

  /** Removes the session from etcd, as far as etcd can be reached at once. */
  async close(limitMs: number): Promise<void> {
    const session = await this.#session?.catch(() => undefined);
    if (!session) return;
    await this.cluster.attempt("leaseRevoke", { ID: session.lease }, limitMs).catch(() => undefined);
  }

  async #accepted<T>(work: () => Promise<T>): Promise<T> {
    if (this.#closing) throw unavailable("the storage is closed");
    if (this.#waiting >= WAITING_LIMIT) {
      throw unavailable("too many writes are waiting for etcd; try again", { retryAfterMs: 1000 });
    }
    this.#waiting++;
    try {
      return await work();
    } finally {
      this.#waiting--;
      if (this.#waiting === 0) this.#idle?.();
    }
  }

  async #putAll(puts: readonly Put[], deadline: number): Promise<PutDone[]> {
    let made: readonly Leased[] = [];
    const prepare = async (): Promise<Write> => {
      made = await Promise.all(puts.map((put) => put.prepare()));
      return { success: made.flatMap(({ ops }) => ops) };
    };
    const leaseLost = (): void => puts.forEach((put) => put.leaseLost());
    const written = await this.#attempts(prepare, leaseLost, deadline);
    // Without a condition of its own, nothing but the session can fail, and then there is another attempt.
    if (!written.succeeded) throw unavailable("etcd has not carried out a write; try again");
    return made.map(({ lease }) => ({ revision: written.revision, lease }));
  }

  async #attempts(
    prepare: () => Write | Promise<Write>,
    leaseLost: () => void,
    deadline: number,
  ): Promise<Written> {
    const backoff = new Backoff(this.clock);
    for (let tries = 0; ; tries++) {
      const write = await prepare();
      const session = await this.#current();
      const { mark, op } = session.mark(this.cluster);
      try {
        const response = await this.cluster.attempt(
          "txn",
          {
            compare: [session.isOpen(), ...(write.compare ?? [])],
            success: [...write.success, op],
            failure: [{ request_range: { key: session.key, keys_only: true } }, ...(write.failure ?? [])],
          },
          attemptMs(tries, deadline),
        );
        if (response.succeeded) {
          const responses = response.responses.slice(0, -1);
          return { succeeded: true, revision: Number(response.header.revision), responses };
        }
        const [own, ...rest] = response.responses;
        const stored = own?.response_range.kvs[0];
        if (stored && session.isKeyOf(stored)) return { succeeded: false, responses: rest };
        await this.#replace(session);
      } catch (error) {
        const failure = callFailure(error, "etcd");
        if (failure.kind === "lease_missing") {
          leaseLost();
        } else if (failure.kind === "unknown" || failure.kind === "closed") {
          const revision = await this.#settle(session, mark, failure, deadline);
          if (revision !== undefined) return { succeeded: true, revision, responses: undefined };
        } else if (!mayRetry(failure)) {
          throw failure;
        }
        if (performance.now() >= deadline) throw failure;
      } finally {
        session.forget(mark);
      }
      await this.cluster.rest(backoff, deadline);
    }
  }

  /** The revision of a write whose answer is missing; undefined where it was not carried out and never will be. */
  async #settle(
    session: Session,
    mark: string,
    failure: CallFailure,
    deadline: number,
  ): Promise<number | undefined> {
    const backoff = new Backoff(this.clock);
    for (;;) {
      try {
        await this.#replace(session);
        return await session.outcome(this.cluster, mark);
      } catch (error) {
        const reason = callFailure(error, "etcd");
        if (!mayRetry(reason) || performance.now() >= deadline) {
          throw unavailable(
            `etcd has not answered (${failure.peer}: ${causeOf(failure)}): whether the write was carried out is unknown; ` +
              "read before you try again",
            { cause: error, retryAfterMs: 1000 },
          );
        }
      }
      await this.cluster.rest(backoff, deadline);
    }
  }

  #current(): Promise<Session> {
    return (this.#session ??= this.#opened(Session.open(this.cluster, this.prefix)));
  }

  /** Closes a session and puts another one in its place, unless that has been done. */
  async #replace(session: Session): Promise<void> {
    const current = this.#session;
    if (session.closed) return;
    if (!session.closing) {
      const next = Session.open(this.cluster, this.prefix, session);
      session.closing = next.then(
        () => void (session.closed = true),
        (error: unknown) => {
          session.closing = undefined;
          // Somebody will need a session: the next one tries again to close this one first.
          this.#session = current;
          throw error;
        },
      );
      this.#session = next;
      next.catch(() => undefined);
    }
    await session.closing;
  }

  async #opened(opening: Promise<Session>): Promise<Session> {
    try {
      return await opening;
    } catch (error) {
      this.#session = undefined;
      throw error;
    }
  }

  async #keepAlive(): Promise<void> {
    while (!this.closed.aborted) {
      await this.clock.sleep(KEEP_ALIVE_MS, this.closed).catch(() => undefined);
      if (this.closed.aborted) return;
      try {
        const session = await this.#current();
        const left = await this.cluster.keepLeaseAlive(session.lease, KEEP_ALIVE_MS / 2);
        if (left === 0) await this.#replace(session);
      } catch (error) {
        if (!this.closed.aborted) {
          this.log.debug("the session at etcd could not be kept alive; the next write opens another one", {
            error: callFailure(error, "etcd").message,
          });
        }
      }
    }
  }
}

/** Puts to different keys, as etcd demands, that together are no larger than one request should be. */
function fittingPuts(puts: readonly Put[]): number {
  const ids = new Set<string>();
  let bytes = 0;
  for (const put of puts) {
    bytes += put.bytes;
    if (ids.size >= BATCH_PUTS || ids.has(put.id) || (ids.size > 0 && bytes > BATCH_BYTES)) break;
    ids.add(put.id);
  }
  return ids.size;
}
