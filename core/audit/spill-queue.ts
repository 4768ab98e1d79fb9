import { join } from "node:path";
import { errorChain } from "../errors/error.js";
import type { AuditEvent } from "../plugin/audit.js";
import type { Clock } from "../plugin/clock.js";
import type { Logger } from "../plugin/logger.js";
import { SpillFile } from "./spill-file.js";

/** What a spill queue needs. */
export interface SpillQueueOptions {
  /** The sink's name; the file is `<name>.jsonl`. */
  readonly name: string;
  readonly directory: string;
  /** Hands events to the sink; rejects while that fails. */
  readonly deliver: (batch: readonly AuditEvent[]) => Promise<void>;
  readonly clock: Clock;
  readonly log: Logger;
}

const FIRST_RETRY_MS = 1_000;
const LAST_RETRY_MS = 60_000;

/**
 * Events on disk that a failing sink has yet to take, in order. They are delivered in the background and at least
 * once: a crash during delivery repeats some, with the same `uid`.
 */
export class SpillQueue {
  readonly #options: SpillQueueOptions;
  readonly #file: SpillFile;
  readonly #stop = new AbortController();
  readonly #loaded: Promise<void>;
  /** All that touches the file runs behind this, one after another; delivery to the sink does not. */
  #turn: Promise<unknown> = Promise.resolve();
  /** Lines that the next append takes, and that append. */
  readonly #lines: string[] = [];
  #appending: Promise<void> | undefined;
  #draining: Promise<void> | undefined;

  constructor(options: SpillQueueOptions) {
    this.#options = options;
    this.#file = new SpillFile(
      join(options.directory, `${options.name.replace(/[^0-9A-Za-z._-]/g, "_")}.jsonl`),
    );
    this.#loaded = this.#inTurn(() => this.#file.load()).then(() => this.#startDraining());
    // Whoever uses the queue meets the failure; until then it must not count as unhandled.
    this.#loaded.catch(() => undefined);
  }

  /** Whether events wait to be delivered. */
  async hasBacklog(): Promise<boolean> {
    await this.#loaded;
    return this.#file.waitingBytes > 0;
  }

  /** Appends durably. Throws `unavailable` where that fails too. */
  async add(event: AuditEvent): Promise<void> {
    await this.#loaded;
    this.#lines.push(JSON.stringify(event));
    // Whoever comes while the disk is busy shares the next write and sync.
    this.#appending ??= this.#inTurn(() => {
      this.#appending = undefined;
      return this.#file.append(this.#lines.splice(0).join("\n"));
    });
    await this.#appending;
    this.#startDraining();
  }

  /** Stops delivering. What is left stays on disk. */
  async close(): Promise<void> {
    this.#stop.abort();
    await this.#loaded.catch(() => undefined);
    await this.#draining;
    await this.#turn;
  }

  #startDraining(): void {
    if (this.#stop.signal.aborted || this.#file.waitingBytes === 0) return;
    this.#draining ??= this.#drain().finally(() => {
      this.#draining = undefined;
      this.#startDraining();
    });
  }

  async #drain(): Promise<void> {
    const { clock, log, name } = this.#options;
    let waitMs = FIRST_RETRY_MS;
    while (this.#file.waitingBytes > 0) {
      // Jitter: several auth servers share a sink and lost it together.
      await clock.sleep(waitMs * (0.5 + Math.random() / 2), this.#stop.signal).catch(() => undefined);
      if (this.#stop.signal.aborted) return;
      try {
        await this.#deliverAll();
      } catch (error) {
        waitMs = Math.min(LAST_RETRY_MS, waitMs * 2);
        log.warn("the audit sink still fails", {
          sink: name,
          kept: this.#file.path,
          error: errorChain(error),
        });
      }
    }
    log.info("the audit sink works again; all kept events are delivered", { sink: name });
  }

  async #deliverAll(): Promise<void> {
    while (this.#file.waitingBytes > 0 && !this.#stop.signal.aborted) {
      const page = await this.#inTurn(() => this.#file.page());
      const events = page.lines.flatMap((line) => this.#parse(line));
      if (events.length > 0) await this.#options.deliver(events);
      await this.#inTurn(() => this.#file.take(page));
    }
  }

  #parse(line: string): AuditEvent[] {
    if (line === "") return [];
    try {
      return [JSON.parse(line) as AuditEvent];
    } catch {
      // Torn by a crash before its emit returned, so nobody was told that it is recorded.
      this.#options.log.warn("a torn line among the kept audit events is left out", {
        path: this.#file.path,
      });
      return [];
    }
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#turn.then(work);
    this.#turn = result.catch(() => undefined);
    return result;
  }
}
