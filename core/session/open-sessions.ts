/**
 * Which sessions without a recording are open, in one file each, so that those that the daemon's death cuts off get their
 * `session.end` at the next start. Sessions with a recording get it from the recording's recovery.
 */
import { randomUUID } from "node:crypto";
import { mkdir, readdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import type { PendingAuditEvent } from "../audit/catalogue.js";
import { corrupt, errorChain } from "../errors/error.js";
import type { Logger } from "../plugin/logger.js";
import { isPartialName, writeWhole } from "../recording/durable-file.js";
import {
  isProcessIdentity,
  isRunning,
  type ProcessIdentity,
  thisProcess,
} from "../recording/process-identity.js";

/** What the file of a session holds. */
interface OpenSession {
  readonly writer: ProcessIdentity;
  /** What is to be audited where the writer has died. */
  readonly end: PendingAuditEvent;
}

/** The open sessions of the services that have used one directory, which is theirs alone. */
export class OpenSessions {
  readonly #directory: string;
  readonly #log: Logger;
  readonly #writing = new Map<string, Promise<void>>();

  constructor(directory: string, log: Logger) {
    this.#directory = directory;
    this.#log = log;
  }

  /** Notes a session with the end that it gets should it be cut off. Never rejects: its start is on record in any case. */
  add(sessionId: string, end: PendingAuditEvent): Promise<void> {
    const writing = this.#write(sessionId, end).catch((error: unknown) => {
      this.#log.warn("a session that is cut off now would have no end in the audit log", {
        sid: sessionId,
        error: errorChain(error),
      });
    });
    this.#writing.set(sessionId, writing);
    return writing;
  }

  /** Forgets a session whose end is on record, and does nothing about one that was not added. Never rejects. */
  async remove(sessionId: string): Promise<void> {
    const written = this.#writing.get(sessionId);
    if (written === undefined) return;
    this.#writing.delete(sessionId);
    await written;
    await this.#remove(sessionId);
  }

  /**
   * Audits the ends of sessions whose process has died. Throws what `emit` throws; then the rest is left for the next
   * time.
   */
  async recover(emit: (end: PendingAuditEvent) => Promise<void>): Promise<void> {
    for (const name of await list(this.#directory)) {
      const session = await this.#read(name);
      if (session !== undefined && isRunning(session.writer)) continue;
      if (session !== undefined) {
        await emit(session.end);
        this.#log.warn("a session of an earlier run was cut off", { sid: name });
      }
      await this.#remove(name);
    }
  }

  /** Undefined for a file that cannot be read, which no later attempt would change. */
  async #read(name: string): Promise<OpenSession | undefined> {
    try {
      const session = JSON.parse(await readFile(join(this.#directory, name), "utf8")) as Partial<OpenSession>;
      const { writer, end } = session;
      if (!isProcessIdentity(writer) || typeof end?.event !== "string" || typeof end.code !== "string") {
        throw corrupt("it is not as a service writes it");
      }
      return { writer, end };
    } catch (error) {
      this.#log.error("the note of an open session cannot be read", { sid: name, error: errorChain(error) });
      return undefined;
    }
  }

  async #remove(name: string): Promise<void> {
    await rm(join(this.#directory, name), { force: true }).catch((error: unknown) => {
      this.#log.warn("the note of a session that has ended stays", { sid: name, error: errorChain(error) });
    });
  }

  async #write(sessionId: string, end: PendingAuditEvent): Promise<void> {
    await mkdir(this.#directory, { recursive: true, mode: 0o700 });
    const session: OpenSession = { writer: thisProcess(), end: { ...end, uid: randomUUID() } };
    await writeWhole(join(this.#directory, sessionId), JSON.stringify(session));
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
