/** The sending side of the classic scp protocol: `C` lines with files, `D` and `E` lines around folders. */
import { constants } from "node:fs";
import { open, readdir, stat, type FileHandle } from "node:fs/promises";
import type { Stats } from "node:fs";
import { basename, join, resolve } from "node:path";
import { errorMessage, unavailable } from "../../../errors/error.js";
import type { ScpReport } from "./report.js";
import type { ScpStream } from "./stream.js";

const BLOCK_BYTES = 256 * 1024;

/** What to send. */
export interface ScpUpload {
  readonly paths: readonly string[];
  readonly recursive: boolean;
  /** Sends times too. */
  readonly preserve: boolean;
}

/** Sends files and folders, links as what they point to. Throws `unavailable` where the receiver gives up. */
export async function sendPaths(stream: ScpStream, upload: ScpUpload, report: ScpReport): Promise<void> {
  const source = new ScpSource(stream, upload, report);
  await source.expectOk();
  for (const path of upload.paths) await source.send(path, basename(resolve(path)), []);
  stream.end();
}

class ScpSource {
  readonly #stream: ScpStream;
  readonly #upload: ScpUpload;
  readonly #report: ScpReport;

  constructor(stream: ScpStream, upload: ScpUpload, report: ScpReport) {
    this.#stream = stream;
    this.#upload = upload;
    this.#report = report;
  }

  /** Reads an answer; false where the receiver only refuses this file. */
  async expectOk(): Promise<boolean> {
    const answer = await this.#stream.answer();
    if (answer.kind === "ok") return true;
    if (answer.kind === "fatal") throw unavailable(answer.message);
    this.#report.failure(answer.message);
    return false;
  }

  /** `above` are the folders that it lies in, so that a link to one of them is not followed for ever. */
  async send(path: string, name: string, above: readonly Stats[]): Promise<void> {
    let stats: Stats;
    try {
      stats = await stat(path);
      if (name.includes("\n")) throw new Error("the protocol cannot carry a name with a line break");
    } catch (error) {
      this.#report.failure(`${path}: ${errorMessage(error)}`);
      return;
    }
    if (stats.isDirectory()) await this.#sendFolder(path, name, stats, above);
    else if (stats.isFile()) await this.#sendFile(path, name);
    else this.#report.failure(`${path}: not a regular file`);
  }

  async #sendFolder(path: string, name: string, stats: Stats, above: readonly Stats[]): Promise<void> {
    if (above.some(({ dev, ino }) => dev === stats.dev && ino === stats.ino)) {
      this.#report.failure(`${path}: this folder contains itself`);
      return;
    }
    if (!this.#upload.recursive) {
      this.#report.failure(`${path} is a directory, perhaps try -r flag?`);
      return;
    }
    let entries: string[];
    try {
      entries = (await readdir(path)).sort();
    } catch (error) {
      this.#report.failure(errorMessage(error));
      return;
    }
    if (!(await this.#announce(`D${mode(stats)} 0 ${name}`, stats))) return;
    for (const entry of entries) await this.send(join(path, entry), entry, [...above, stats]);
    await this.#stream.write("E\n");
    await this.expectOk();
  }

  async #sendFile(path: string, name: string): Promise<void> {
    let file: FileHandle;
    try {
      // What was a file a moment ago may be a pipe by now, which must not block.
      file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
    } catch (error) {
      this.#report.failure(errorMessage(error));
      return;
    }
    try {
      const stats = await file.stat();
      if (!(await this.#announce(`C${mode(stats)} ${stats.size} ${name}`, stats))) return;
      this.#report.progress.start(path, stats.size);
      const problem = await this.#sendContent(file, stats.size).finally(() => this.#report.progress.end());
      if (problem === undefined) {
        await this.#stream.accept();
      } else {
        this.#report.failure(`${path}: ${problem}`);
        await this.#stream.refuse(`${name}: ${problem}`);
      }
      await this.expectOk();
    } finally {
      await file.close();
    }
  }

  /** Tells what comes; false where the receiver refuses it. */
  async #announce(header: string, { mtimeMs, atimeMs }: Stats): Promise<boolean> {
    if (this.#upload.preserve) {
      await this.#stream.write(`T${seconds(mtimeMs)} 0 ${seconds(atimeMs)} 0\n`);
      if (!(await this.expectOk())) return false;
    }
    await this.#stream.write(`${header}\n`);
    return this.expectOk();
  }

  /** Sends exactly the announced bytes: what cannot be read is filled up, and the problem told. */
  async #sendContent(file: FileHandle, sizeBytes: number): Promise<string | undefined> {
    const block = Buffer.alloc(BLOCK_BYTES);
    let problem: string | undefined;
    for (let left = sizeBytes; left > 0;) {
      const wanted = Math.min(left, BLOCK_BYTES);
      let count = 0;
      if (problem === undefined) {
        try {
          ({ bytesRead: count } = await file.read(block, 0, wanted));
          if (count === 0) problem = "the file became shorter while it was copied";
        } catch (error) {
          problem = errorMessage(error);
        }
        if (problem !== undefined) block.fill(0);
      }
      if (problem !== undefined) count = wanted;
      // The block is reused, so it must have left before the next read.
      await this.#stream.write(Buffer.from(block.subarray(0, count)));
      this.#report.progress.add(count);
      left -= count;
    }
    return problem;
  }
}

/** The protocol knows no times before 1970. */
const seconds = (ms: number): number => Math.max(0, Math.floor(ms / 1000));

function mode(stats: Stats): string {
  return (stats.mode & 0o777).toString(8).padStart(4, "0");
}
