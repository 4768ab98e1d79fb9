/**
 * The audit of one session: its events go to the cluster's log, and for recorded sessions also into the recording, with
 * the same index and id. Under the strict policy a session whose events or output cannot be kept must end.
 */
import { randomUUID } from "node:crypto";
import type { PendingAuditEvent } from "../audit/catalogue.js";
import { errorChain, hasCode, internal } from "../errors/error.js";
import type { Recorder } from "../recording/recorder.js";
import type { RecordingWay, SessionContext } from "./session-context.js";
import { retryWhileUnavailable } from "./retry.js";

/** A session's way to the audit log and its recording. */
export interface SessionAudit {
  /**
   * Writes the first event. Returns when it is durable, or throws: then nothing may be started. `access_denied` means
   * that the session's id has been used, and leaves no recording.
   */
  start(event: PendingAuditEvent): Promise<void>;
  /**
   * Writes an event of the session behind those before it, trying again for a while where auth is away. It is asked for
   * when its turn has come.
   */
  append(event: () => PendingAuditEvent): void;
  /** Writes an event that is no part of the session's own sequence, such as `exec`. */
  emit(event: PendingAuditEvent): void;
  /** The same, resolving once it is durable. Rejects, and ends the session, where nothing may happen without it. */
  require(event: PendingAuditEvent): Promise<void>;
  /** Records output; wait for it before it is shown. Rejects when the session must end. */
  print(data: Uint8Array): Promise<void>;
  /** Waits for all events and finishes the recording. Never rejects. */
  close(): Promise<void>;
  /** Resolves with the reason, which is for the log, when the session must end because it cannot be audited or recorded. */
  readonly failed: Promise<Error>;
}

/** What a session's audit needs to know. */
export interface SessionAuditOptions {
  readonly context: SessionContext;
  readonly sessionId: string;
  /** Absent for sessions that are not recorded. */
  readonly recorder: Recorder | undefined;
  /** A recording that is streamed is strict under every policy: there is no other copy of it. */
  readonly recording: RecordingWay;
}

const RETRY_FOR_MS = 60_000;
const SLICE_VERSION = 3;

/** Opens the audit of a session. */
export function openSessionAudit(options: SessionAuditOptions): SessionAudit {
  return new QueuedAudit(options);
}

class QueuedAudit implements SessionAudit {
  readonly failed: Promise<Error>;
  readonly #context: SessionContext;
  readonly #sessionId: string;
  readonly #recorder: Recorder | undefined;
  readonly #strict: boolean;
  #fail: (error: Error) => void = () => undefined;
  #queue: Promise<void> = Promise.resolve();
  #nextIndex = 0;
  #broken: Error | undefined;

  constructor({ context, sessionId, recorder, recording }: SessionAuditOptions) {
    this.#context = context;
    this.#sessionId = sessionId;
    this.#recorder = recorder;
    this.#strict = context.auditPolicy === "strict" || recording === "streamed";
    this.failed = new Promise((resolve) => {
      this.#fail = resolve;
    });
    void recorder?.failed.then((error) => this.#lost(error));
  }

  async start(event: PendingAuditEvent): Promise<void> {
    try {
      const completed = await this.#complete(event);
      if (this.#strict && this.#broken !== undefined) throw this.#broken;
      await this.#post(completed);
    } catch (error) {
      if (hasCode(error, "access_denied")) {
        // Auth knows of an earlier session with this id: what little there is of this one must not stand in for it.
        await this.#recorder?.discard();
        throw error;
      }
      if (this.#strict) throw error;
      this.#warn("a session goes on though its start could not be audited", error);
    }
  }

  append(event: () => PendingAuditEvent): void {
    this.#enqueue(async () => {
      const completed = await this.#complete(event());
      await this.#retrying(() => this.#post(completed));
    });
  }

  emit(event: PendingAuditEvent): void {
    this.#enqueue(this.#writing(event));
  }

  async require(event: PendingAuditEvent): Promise<void> {
    try {
      await this.#writing(event)();
    } catch (error) {
      this.#lost(error);
      if (this.#strict) throw error;
    }
  }

  async print(data: Uint8Array): Promise<void> {
    try {
      await this.#recorder?.print(data);
    } catch (error) {
      this.#lost(error);
      if (this.#strict) throw error;
    }
  }

  async close(): Promise<void> {
    await this.#queue;
    try {
      await this.#recorder?.close();
    } catch (error) {
      this.#warn("a recording could not be finished; it is recovered later", error);
    }
  }

  #writing(event: PendingAuditEvent): () => Promise<void> {
    // The id is fixed here, so that a repeated attempt is recognised as the same event.
    const completed = { ...event, uid: randomUUID(), time: this.#context.clock.now().toISOString() };
    return () => this.#retrying(() => this.#context.api.emitAuditEvent(completed));
  }

  #enqueue(work: () => Promise<void>): void {
    this.#queue = this.#queue.then(work).catch((error: unknown) => this.#lost(error));
  }

  /** Gives the event its index and id: in the recording, or where that is broken, for the audit log alone. */
  async #complete(event: PendingAuditEvent): Promise<Record<string, unknown> & PendingAuditEvent> {
    if (this.#recorder !== undefined) {
      try {
        const recorded = await this.#recorder.event(event);
        this.#nextIndex = recorded.ei + 1;
        return { ...recorded };
      } catch (error) {
        this.#lost(error);
      }
    }
    return {
      ...event,
      sid: this.#sessionId,
      ei: this.#nextIndex++,
      uid: randomUUID(),
      time: this.#context.clock.now().toISOString(),
    };
  }

  #post(event: Record<string, unknown> & PendingAuditEvent): Promise<void> {
    const namespace = this.#context.namespace;
    const timeMs = Date.parse(String(event["time"]));
    return this.#context.api.postSessionSlice({
      namespace,
      sessionId: this.#sessionId,
      version: SLICE_VERSION,
      chunks: [
        {
          timeUnixNs: BigInt(timeMs) * 1_000_000n,
          data: Buffer.from(JSON.stringify(event)),
          eventType: event.event,
          eventIndex: Number(event["ei"]),
          chunkIndex: 0,
          offset: 0,
          delayMs: 0,
        },
      ],
    });
  }

  #retrying(work: () => Promise<void>): Promise<void> {
    const { clock, stopping } = this.#context;
    return retryWhileUnavailable(work, { clock, forMs: RETRY_FOR_MS, signal: stopping });
  }

  #lost(error: unknown): void {
    // Whatever follows a failure fails too: the first one tells why.
    if (this.#broken !== undefined) return;
    this.#warn("a session could not be audited or recorded", error);
    this.#broken = error instanceof Error ? error : internal(String(error));
    if (this.#strict) this.#fail(this.#broken);
  }

  #warn(message: string, error: unknown): void {
    this.#context.log.warn(message, { sid: this.#sessionId, error: errorChain(error) });
  }
}
