/**
 * What a process has open, in one file each, so that what its death leaves behind is put in order at the next start. A
 * directory may be shared by the processes that follow each other, and that overlap while one hands over to the next.
 */
import { mkdir, readdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { corrupt, errorChain } from "../errors/error.js";
import type { Logger } from "../plugin/logger.js";
import { isPartialName, writeWhole } from "../recording/durable-file.js";
import {
  isProcessIdentity,
  isRunning,
  type ProcessIdentity,
  thisProcess,
} from "../recording/process-identity.js";

/** What a directory of notes is about. */
export interface ProcessNotesOptions<T> {
  /** Belongs to these notes alone; made when the first one is written. */
  readonly directory: string;
  /** The key that the fact stands under, beside `writer`. */
  readonly key: string;
  /** Whether a value that was read is such a fact. */
  readonly isFact: (value: unknown) => value is T;
  readonly log: Logger;
}

/** Notes about one kind of things that a process has open. */
export class ProcessNotes<T> {
  readonly #options: ProcessNotesOptions<T>;
  readonly #writing = new Map<string, Promise<void>>();

  constructor(options: ProcessNotesOptions<T>) {
    this.#options = options;
  }

  /** Notes a fact under a name that can be a file's. Never rejects: a note that cannot be written is logged. */
  add(name: string, fact: T): Promise<void> {
    const writing = this.#write(name, fact).catch((error: unknown) => {
      this.#options.log.warn("what is open now would be left behind if this process died", {
        directory: this.#options.directory,
        name,
        error: errorChain(error),
      });
    });
    this.#writing.set(name, writing);
    return writing;
  }

  /** Forgets a fact, and does nothing about one that was not added. Never rejects. */
  async remove(name: string): Promise<void> {
    const written = this.#writing.get(name);
    if (written === undefined) return;
    this.#writing.delete(name);
    await written;
    await this.#remove(name);
  }

  /**
   * Hands over the facts of processes that have died, and forgets each one after that. Throws what `handle` throws; then
   * the rest is left for the next time.
   */
  async recover(handle: (fact: T, name: string) => Promise<void>): Promise<void> {
    for (const name of await list(this.#options.directory)) {
      const note = await this.#read(name);
      if (note !== undefined && isRunning(note.writer)) continue;
      if (note !== undefined) await handle(note.fact, name);
      await this.#remove(name);
    }
  }

  /** Undefined for a file that cannot be read, which no later attempt would change. */
  async #read(name: string): Promise<{ writer: ProcessIdentity; fact: T } | undefined> {
    const { directory, key, isFact, log } = this.#options;
    try {
      const note = JSON.parse(await readFile(join(directory, name), "utf8")) as Record<string, unknown>;
      const { writer, [key]: fact } = note;
      if (!isProcessIdentity(writer) || !isFact(fact)) throw corrupt("it is not as a service writes it");
      return { writer, fact };
    } catch (error) {
      log.error("a note of an earlier run cannot be read", { directory, name, error: errorChain(error) });
      return undefined;
    }
  }

  async #remove(name: string): Promise<void> {
    const { directory, log } = this.#options;
    await rm(join(directory, name), { force: true }).catch((error: unknown) => {
      log.warn("a note of what has ended stays", { directory, name, error: errorChain(error) });
    });
  }

  async #write(name: string, fact: T): Promise<void> {
    const { directory, key } = this.#options;
    await mkdir(directory, { recursive: true, mode: 0o700 });
    await writeWhole(join(directory, name), JSON.stringify({ writer: thisProcess(), [key]: fact }));
  }
}

async function list(directory: string): Promise<string[]> {
  try {
    return (await readdir(directory)).filter((name) => !isPartialName(name)).sort();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
}
