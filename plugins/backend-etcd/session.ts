import { randomBytes } from "node:crypto";
import type { ICompare, IKeyValue, IRequestOp } from "etcd3";
import type { Cluster } from "./cluster.js";
import { CallFailure } from "./failure.js";
import { watchMessages } from "./watch-messages.js";

/** How long etcd keeps a session whose process is gone, in seconds. */
export const SESSION_TTL_S = 60;
/** How long reading the history of a session may take. */
const READ_MS = 3000;

/** Values of the key that are no marks; like those of the base64 alphabet, since 4.2 sees the key and decodes it. */
const OPENED = "opened++";
const CLOSED = "closed++";

/**
 * One key in etcd by which writes of this process are known. Every write
 *
 * - demands that the key is still there, as it was made: once the key is deleted, a request that is stuck somewhere can
 *   never be carried out any more, however late it arrives;
 * - leaves its mark as the value of the key: so the key's history says which writes were carried out, and when.
 *
 * A write whose answer is missing is thus not guessed about: the session is closed, and then its history is read.
 */
export class Session {
  /** Set while this session is being replaced by another one. */
  closing: Promise<void> | undefined;
  /** Whether its key is deleted, so that {@link outcome} may be asked. */
  closed = false;
  #marks = 0;
  readonly #floors = new Map<string, number>();
  #history: Promise<ReadonlyMap<string, number>> | undefined;

  private constructor(
    readonly key: Buffer,
    readonly lease: string,
    /** CreateRevision of the key. */
    private readonly created: string,
  ) {}

  /**
   * Opens a session: in place of `old`, which is closed in the same step, or a first one. Sessions lie at
   * `<prefix>+sessions/`, beside the items. Rejects with a call failure.
   */
  static async open(cluster: Cluster, prefix: string, old?: Session): Promise<Session> {
    for (;;) {
      const grant = await cluster.call("leaseGrant", { ID: "0", TTL: String(SESSION_TTL_S) });
      const key = Buffer.from(`${prefix}+sessions/${randomBytes(12).toString("hex")}`);
      const open: IRequestOp = { request_put: { key, value: Buffer.from(OPENED), lease: grant.ID } };
      // Repeating this is harmless: a session is known by the revision at which its key was made, which is read last.
      await cluster.call("txn", {
        compare: old ? [old.isOpen()] : [],
        success: [open, ...(old ? [{ request_delete_range: { key: old.key } }] : [])],
        // The old one has run out, or an earlier attempt has closed it: whoever reads its history needs an end.
        failure: old
          ? [open, { request_put: { key: old.key, value: Buffer.from(CLOSED), lease: grant.ID } }]
          : [],
      });
      const stored = (await cluster.call("range", { key })).kvs[0];
      if (stored) return new Session(key, grant.ID, stored.create_revision);
    }
  }

  /** The condition that this session is open. */
  isOpen(): ICompare {
    return { key: this.key, target: "Create", result: "Equal", create_revision: this.created };
  }

  /** Whether this is the session's key, and not one that a late request has made again. */
  isKeyOf(stored: IKeyValue): boolean {
    return stored.create_revision === this.created;
  }

  /** A new mark for a write that is about to be sent, and the operation that leaves it. */
  mark(cluster: Cluster): { readonly mark: string; readonly op: IRequestOp } {
    const mark = (this.#marks++).toString(36).padStart(8, "0");
    this.#floors.set(mark, cluster.seen);
    return { mark, op: { request_put: { key: this.key, value: Buffer.from(mark), ignore_lease: true } } };
  }

  /** The outcome of a marked write is known. */
  forget(mark: string): void {
    this.#floors.delete(mark);
  }

  /**
   * The revision at which the marked write was carried out; undefined where it was not and never will be. Only for a
   * session that is closed. Rejects where the history is compacted or etcd is away.
   */
  async outcome(cluster: Cluster, mark: string): Promise<number | undefined> {
    const floor = Math.min(...this.#floors.values());
    this.#history ??= this.#read(cluster, floor + 1);
    const history = this.#history;
    try {
      return (await history).get(mark);
    } catch (error) {
      if (this.#history === history) this.#history = undefined;
      throw error;
    }
  }

  async #read(cluster: Cluster, from: number): Promise<ReadonlyMap<string, number>> {
    const marks = new Map<string, number>();
    const range = { start: this.key, end: Buffer.concat([this.key, Buffer.from([0])]) };
    for await (const { events } of watchMessages(cluster, range, from, AbortSignal.timeout(READ_MS))) {
      for (const { type, kv } of events) {
        const value = kv.value.toString("latin1");
        if (type === "Delete" || value === CLOSED) return marks;
        marks.set(value, Number(kv.mod_revision));
      }
    }
    throw new CallFailure("unknown", "etcd", "no answer about the history of a session");
  }
}
