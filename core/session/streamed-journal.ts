/** The journal of a session that goes straight to the auth server (`node-sync`, `proxy-sync`); nothing stays on this host. */
import type { AuthApi } from "../auth/client/api.js";
import { hasCode, notImplemented, unavailable } from "../errors/error.js";
import type { Clock } from "../plugin/clock.js";
import { encodeFrame, FrameType, type Frame } from "../recording/journal-frame.js";
import { journalHeader, type JournalSink, type RecordedSession } from "../recording/recorder.js";
import { retryWhileUnavailable } from "./retry.js";

/** How long a session stands still while auth does not take its recording. */
const PATIENCE_MS = 10_000;
/** Shorter than auth waits for a sign of life. */
const HEARTBEAT_MS = 10_000;
/** How long auth may be away when the session has ended. */
const FINISH_FOR_MS = 60_000;
/** Sent at once, unless a single frame is larger. */
const MAX_BATCH_BYTES = 2 * 1024 * 1024;

/** What sending needs. */
export interface StreamedJournalOptions {
  readonly api: Pick<AuthApi, "appendSessionJournal" | "finishSessionJournal">;
  readonly clock: Clock;
  /** Aborted when auth is waited for no longer. */
  readonly stopping: AbortSignal;
}

/**
 * Begins a journal at the auth server. Throws `access_denied` for an id that is on record, `not_implemented` with a text for
 * the user where auth is of 4.2, and what {@link AuthApi.appendSessionJournal} throws.
 */
export async function openStreamedJournal(
  session: RecordedSession,
  options: StreamedJournalOptions,
): Promise<JournalSink> {
  const payload = Buffer.from(JSON.stringify(journalHeader(session)));
  const journal = new StreamedJournal(session.sessionId, options);
  try {
    await journal.append({ type: FrameType.header, payload });
  } catch (error) {
    if (!hasCode(error, "not_implemented")) throw error;
    throw notImplemented(
      "this session cannot be recorded: the auth server does not take recordings of running sessions; upgrade it, or set session_recording to node or proxy",
      { cause: error },
    );
  }
  journal.showLife();
  return journal;
}

interface Waiting {
  readonly buffers: readonly Buffer[];
  readonly sizeBytes: number;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

class StreamedJournal implements JournalSink {
  readonly failed: Promise<Error>;
  readonly #sessionId: string;
  readonly #options: StreamedJournalOptions;
  readonly #over = new AbortController();
  /** One for all requests: each signal made of others costs memory while those live. */
  readonly #patience: AbortSignal;
  #tellFailure: (error: Error) => void = () => undefined;
  #waiting: Waiting[] = [];
  #sending: Promise<void> | undefined;
  /** Bytes that auth has taken. */
  #offset = 0;
  #failure: Error | undefined;

  constructor(sessionId: string, options: StreamedJournalOptions) {
    this.#sessionId = sessionId;
    this.#options = options;
    this.#patience = AbortSignal.any([this.#over.signal, options.stopping]);
    this.failed = new Promise((resolve) => {
      this.#tellFailure = resolve;
    });
  }

  append(frame: Frame): Promise<void> {
    return this.#enqueue(encodeFrame(frame));
  }

  /** Tells auth now and then that the session goes on, which also finds out when auth is gone. */
  showLife(): void {
    const { clock } = this.#options;
    const beat = async (): Promise<void> => {
      for (;;) {
        await clock.sleep(HEARTBEAT_MS, this.#over.signal);
        await this.#enqueue([]);
      }
    };
    // Ends with the journal; a failure is told by `failed`.
    beat().catch(() => undefined);
  }

  async finish(): Promise<void> {
    await this.#sending;
    this.#over.abort();
    await this.#sending;
    if (this.#failure !== undefined) throw this.#failure;
    this.#failure = unavailable("the recording is closed");
    const { api, clock, stopping } = this.#options;
    const retry = { clock, forMs: FINISH_FOR_MS, signal: stopping };
    await retryWhileUnavailable(() => api.finishSessionJournal(this.#sessionId), retry);
  }

  /** What auth has taken cannot be taken back: it ends there as the recording of a session that was cut off. */
  async discard(): Promise<void> {
    this.#over.abort();
    await this.#sending;
  }

  #enqueue(buffers: readonly Buffer[]): Promise<void> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    const sizeBytes = buffers.reduce((sum, { length }) => sum + length, 0);
    return new Promise((resolve, reject) => {
      this.#waiting.push({ buffers, sizeBytes, resolve, reject });
      this.#sending ??= this.#sendAll();
    });
  }

  /** One request at a time, each with all that waits. */
  async #sendAll(): Promise<void> {
    while (this.#waiting.length > 0) {
      const batch = this.#takeBatch();
      const bytes = Buffer.concat(batch.flatMap(({ buffers }) => buffers));
      try {
        await this.#send(bytes);
        this.#offset += bytes.length;
        for (const { resolve } of batch) resolve();
      } catch (error) {
        this.#fail(error as Error, batch);
      }
    }
    this.#sending = undefined;
  }

  #takeBatch(): Waiting[] {
    let size = 0;
    const end = this.#waiting.findIndex(({ sizeBytes }, i) => (size += sizeBytes) > MAX_BATCH_BYTES && i > 0);
    return this.#waiting.splice(0, end < 0 ? this.#waiting.length : end);
  }

  /** The very same bytes again and again: auth knows those that it has by their place. */
  async #send(bytes: Buffer): Promise<void> {
    const { api, clock } = this.#options;
    const settled = new AbortController();
    const late = clock.sleep(PATIENCE_MS, settled.signal).then(() => {
      throw unavailable(`the auth server has not taken the recording for ${PATIENCE_MS / 1000} seconds`);
    });
    const offset = this.#offset;
    try {
      await Promise.race([
        retryWhileUnavailable(() => api.appendSessionJournal(this.#sessionId, offset, bytes), {
          ...{ clock, forMs: PATIENCE_MS, signal: this.#patience },
        }),
        late,
      ]);
    } finally {
      late.catch(() => undefined);
      settled.abort();
    }
  }

  #fail(error: Error, batch: readonly Waiting[]): void {
    this.#failure ??= error;
    this.#over.abort();
    const lost = [...batch, ...this.#waiting.splice(0)];
    for (const { reject } of lost) reject(this.#failure);
    this.#tellFailure(this.#failure);
  }
}
