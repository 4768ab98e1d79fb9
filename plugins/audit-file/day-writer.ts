import { open, mkdir, rename, rm, stat, symlink, type FileHandle } from "node:fs/promises";
import { dirname, join } from "node:path";
import { errorChain, type Clock, type Logger } from "@teleport/plugin";
import { dayFileName, dayOf, type Day } from "./day-file.js";
import type { LogDirectory } from "./log-directory.js";
import { repairLastLine } from "./torn-line.js";
import { logError } from "./write-error.js";

/** Appends lines to the daily files. Calls must not overlap: the sink's commit loop keeps them apart. */
export class DayWriter {
  readonly #place: LogDirectory;
  readonly #clock: Clock;
  readonly #log: Logger;
  #open: { readonly day: Day; readonly file: FileHandle } | undefined;
  #linked: Day | undefined;

  constructor(place: LogDirectory, clock: Clock, log: Logger) {
    this.#place = place;
    this.#clock = clock;
    this.#log = log;
  }

  /** Opens the current day's file, mending what a crash left in it. */
  async start(): Promise<void> {
    const day = dayOf(this.#clock.now());
    try {
      await this.#switchTo(day);
    } catch (error) {
      throw logError("open", this.#path(day), error);
    }
  }

  /** Writes lines to a day's file and syncs it. Throws `unavailable`; the lines are then not in the file. */
  async append(day: Day, lines: string): Promise<void> {
    try {
      const file = await this.#switchTo(day);
      await this.#write(file, Buffer.from(lines));
    } catch (error) {
      // After a failed sync the state of the file is unknown: the next write opens, and so mends, it afresh.
      await this.close();
      throw logError("write", this.#path(day), error);
    }
  }

  /** Closes the file. A later append opens it again. */
  async close(): Promise<void> {
    const closing = this.#open;
    this.#open = undefined;
    await closing?.file.close().catch(() => undefined);
  }

  async #switchTo(day: Day): Promise<FileHandle> {
    if (this.#open?.day === day && (await this.#isInPlace(this.#open.file, day))) return this.#open.file;
    await this.close();
    const { directory } = this.#place;
    await mkdir(directory, { recursive: true, mode: 0o700 });
    const file = await open(this.#path(day), "a", 0o600);
    try {
      await repairLastLine(this.#path(day), this.#clock, this.#log);
      await syncDirectory(directory);
    } catch (error) {
      await file.close();
      throw error;
    }
    this.#open = { day, file };
    if (day === dayOf(this.#clock.now())) await this.#pointLink(day);
    return file;
  }

  /** Whether the day's path still leads to the open file: what is written to a deleted one is lost. */
  async #isInPlace(file: FileHandle, day: Day): Promise<boolean> {
    const path = this.#path(day);
    const [open, named] = await Promise.all([file.stat(), stat(path).catch(ignoreMissing)]);
    if (named?.dev === open.dev && named.ino === open.ino) return true;
    this.#log.warn("the audit log was moved or deleted while in use; a new file is begun", { path });
    return false;
  }

  async #write(file: FileHandle, bytes: Buffer): Promise<void> {
    const { size } = await file.stat();
    let written = 0;
    try {
      while (written < bytes.length) written += (await file.write(bytes, written)).bytesWritten;
      await file.sync();
    } catch (error) {
      // The caller is told that nothing was recorded, so nothing may stay; unless another process wrote behind it.
      const stats = await file.stat();
      if (stats.isFile() && stats.size === size + written) await file.truncate(size);
      throw error;
    }
  }

  /** Nothing is lost when the link cannot be set, so that is a warning. */
  async #pointLink(day: Day): Promise<void> {
    if (this.#linked === day) return;
    const { link } = this.#place;
    const fresh = `${link}.${process.pid}`;
    try {
      await mkdir(dirname(link), { recursive: true, mode: 0o700 });
      await rm(fresh, { force: true });
      await symlink(this.#path(day), fresh);
      await rename(fresh, link);
      this.#linked = day;
    } catch (error) {
      this.#log.warn("cannot point the link at the current audit log", { link, error: errorChain(error) });
    }
  }

  #path(day: Day): string {
    return join(this.#place.directory, dayFileName(day));
  }
}

function ignoreMissing(error: unknown): undefined {
  if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
}

async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, "r");
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}
