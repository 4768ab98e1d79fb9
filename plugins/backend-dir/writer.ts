import { Worker } from "node:worker_threads";
import { errorChain, internal, unavailable, type CodedError, type Logger } from "@teleport/plugin";
import { unpackFailure } from "./failure.js";
import type { FromWriter, ToWriter, WriteRequest, WriteResult, WriterOptions } from "./write-request.js";

/** Most requests of one transaction: bounds how long the first of them waits for the last. */
const BATCH_LIMIT = 256;
const BATCH_BYTES = 4 * 1024 * 1024;
/** Writes waiting beyond this are refused, so that a stuck disk does not fill the memory. */
const QUEUE_LIMIT = 20_000;

interface Pending {
  readonly request: WriteRequest;
  readonly resolve: (result: WriteResult) => void;
  readonly reject: (error: CodedError) => void;
}

/** Starts a writer thread; tests give one of their own to break it. */
export type SpawnWriter = (options: WriterOptions) => Worker;

const spawnWriter: SpawnWriter = (options) =>
  new Worker(new URL("./writer-worker.js", import.meta.url), { workerData: options });

/**
 * Hands writes to the writer thread. While one transaction is under way the next writes gather and then share one
 * transaction and one fsync.
 */
export class Writer {
  #worker: Promise<Worker> | undefined;
  #queue: Pending[] = [];
  #running: Pending[] = [];
  #idle: (() => void) | undefined;
  #closing = false;

  /** `onCommit` is called after every transaction, in the same turn in which its callers are answered. */
  constructor(
    private readonly options: WriterOptions,
    private readonly onCommit: () => void,
    private readonly log: Logger,
    private readonly spawn: SpawnWriter = spawnWriter,
  ) {}

  /** Starts the thread and opens the database. Throws what opening it threw. */
  async open(): Promise<void> {
    await this.#start();
  }

  /** Resolves when the write is durable (as far as `sync` says). Rejects with a storage error. */
  submit(request: WriteRequest): Promise<Exclude<WriteResult, { failure: unknown }>> {
    return new Promise<WriteResult>((resolve, reject) => {
      if (this.#closing) {
        reject(unavailable("the storage is closed"));
      } else if (this.#queue.length >= QUEUE_LIMIT) {
        reject(
          unavailable(`${this.options.file}: too many writes are waiting; try again`, { retryAfterMs: 1000 }),
        );
      } else {
        this.#queue.push({ request, resolve, reject });
        if (this.#queue.length === 1 && this.#running.length === 0) {
          // Writes of the same turn go together.
          setImmediate(() => void this.#flush());
        }
      }
    }).then((result) => {
      if ("failure" in result) {
        throw unpackFailure(result.failure);
      }
      return result;
    });
  }

  /** Takes no more writes and finishes those that were accepted. */
  async drain(): Promise<void> {
    this.#closing = true;
    if (this.#queue.length + this.#running.length > 0) {
      await new Promise<void>((resolve) => (this.#idle = resolve));
    }
  }

  /** Closes the database and ends the thread. */
  async close(): Promise<void> {
    await this.drain();
    const worker = await this.#worker?.catch(() => undefined);
    // From here on its exit is no crash.
    this.#worker = undefined;
    if (worker) {
      const exit = new Promise((resolve) => worker.once("exit", resolve));
      worker.postMessage({ type: "close" } satisfies ToWriter);
      await exit;
    }
  }

  #start(): Promise<Worker> {
    this.#worker ??= new Promise<Worker>((resolve, reject) => {
      const worker = this.spawn(this.options);
      let cause: unknown;
      worker.on("error", (error) => (cause = error));
      worker.on("exit", () => {
        reject(unavailable(`the writer of ${this.options.file} did not start`, { cause }));
        this.#crashed(worker, cause);
      });
      worker.on("message", (message: FromWriter) => {
        switch (message.type) {
          case "ready":
            resolve(worker);
            break;
          case "failed":
            reject(unpackFailure(message.failure));
            break;
          case "done":
            this.#done(message.results);
        }
      });
    });
    this.#worker.catch(() => (this.#worker = undefined));
    return this.#worker;
  }

  async #flush(): Promise<void> {
    let worker: Worker;
    try {
      worker = await this.#start();
    } catch (error) {
      this.#rejectAll(error as CodedError);
      return;
    }
    if (this.#running.length > 0 || this.#queue.length === 0) {
      return;
    }
    this.#running = this.#queue.splice(0, batchSize(this.#queue));
    const requests = this.#running.map(({ request }) => request);
    const values = requests.flatMap((request) =>
      "value" in request ? [request.value.buffer as ArrayBuffer] : [],
    );
    worker.postMessage({ type: "batch", requests } satisfies ToWriter, values);
  }

  #done(results: readonly WriteResult[]): void {
    const finished = this.#running;
    this.#running = [];
    if (this.#queue.length > 0) {
      void this.#flush();
    }
    finished.forEach((pending, index) => {
      const result = results[index];
      if (result) {
        pending.resolve(result);
      } else {
        pending.reject(internal("the storage writer gave no result"));
      }
    });
    this.onCommit();
    this.#settle();
  }

  /** Whether an unfinished write has happened is unknown, so all of them fail, and a new thread takes over. */
  #crashed(worker: Worker, cause: unknown): void {
    void this.#worker?.then(
      (current) => {
        if (current !== worker) {
          return;
        }
        this.#worker = undefined;
        this.log.error("the storage writer stopped unexpectedly; starting a new one", {
          file: this.options.file,
          error: errorChain(cause ?? "exit"),
        });
        this.#rejectAll(unavailable("the storage writer stopped unexpectedly; try again", { cause }));
        if (!this.#closing) {
          void this.#start().catch((error: unknown) =>
            this.log.error("the storage writer cannot be started", { error: errorChain(error) }),
          );
        }
      },
      () => undefined,
    );
  }

  #rejectAll(error: CodedError): void {
    const pending = [...this.#running, ...this.#queue];
    this.#running = [];
    this.#queue = [];
    pending.forEach(({ reject }) => reject(error));
    this.#settle();
  }

  #settle(): void {
    if (this.#queue.length + this.#running.length === 0) {
      this.#idle?.();
    }
  }
}

function batchSize(queue: readonly Pending[]): number {
  let bytes = 0;
  for (const [index, { request }] of queue.slice(0, BATCH_LIMIT).entries()) {
    bytes += "value" in request ? request.value.length : 0;
    if (bytes > BATCH_BYTES) {
      return Math.max(index, 1);
    }
  }
  return Math.min(queue.length, BATCH_LIMIT);
}
