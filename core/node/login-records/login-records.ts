/** Shows interactive sessions to who(1), last(1) and lastlog(8). */
import { randomUUID } from "node:crypto";
import { errorMessage } from "../../errors/error.js";
import type { Clock } from "../../plugin/clock.js";
import type { Logger } from "../../plugin/logger.js";
import { ProcessNotes } from "../../session/process-notes.js";
import { type AccountingPaths, writeLogin, writeLogout } from "./accounting-files.js";
import type { LoginRecord } from "./accounting-record.js";

/** What login records are made of. */
export interface LoginRecordsOptions {
  readonly paths: AccountingPaths;
  /** For the notes about open logins, which belong to these records alone. */
  readonly directory: string;
  readonly log: Logger;
  readonly clock: Clock;
}

/** The login records of a node. Sessions never wait for them, nor fail with them. */
export class LoginRecords {
  readonly #options: LoginRecordsOptions;
  readonly #notes: ProcessNotes<LoginRecord>;
  /** The files have one writer at a time; it also keeps a login before its end. */
  #writing: Promise<void>;

  /** Ends the logins that a killed daemon has left open, before it writes any other. */
  constructor(options: LoginRecordsOptions) {
    const { directory, paths, log, clock } = options;
    this.#options = options;
    this.#notes = new ProcessNotes({ directory, key: "login", isFact: isLogin, log });
    this.#writing = this.#attempt(() =>
      this.#notes.recover((login) => this.#attempt(() => writeLogout(paths, login, clock))),
    );
  }

  /** Records a login; the returned function records its end. */
  open(login: LoginRecord): () => void {
    const { paths, clock } = this.#options;
    const name = randomUUID();
    this.#enqueue(async () => {
      await this.#notes.add(name, login);
      await writeLogin(paths, login, clock);
    });
    return () =>
      this.#enqueue(async () => {
        await writeLogout(paths, login, clock);
        await this.#notes.remove(name);
      });
  }

  /** Resolves when all that was recorded is written. Never rejects. */
  written(): Promise<void> {
    return this.#writing;
  }

  #enqueue(work: () => Promise<void>): void {
    this.#writing = this.#writing.then(() => this.#attempt(work));
  }

  async #attempt(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      this.#options.log.warn("a login could not be written to the records of this host", {
        error: errorMessage(error),
      });
    }
  }
}

function isLogin(value: unknown): value is LoginRecord {
  const { line, pid, user, uid, host } = (value ?? {}) as Partial<Record<keyof LoginRecord, unknown>>;
  return (
    [line, user, host].every((text) => typeof text === "string") && [pid, uid].every(Number.isSafeInteger)
  );
}
