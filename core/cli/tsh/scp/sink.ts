/**
 * The receiving side of the classic scp protocol. The node is not trusted: it may only write the file or folder that was
 * asked for, below the target that was given (CVE-2018-20685, CVE-2019-6111).
 */
import { chmod, mkdir, open, stat, utimes, type FileHandle } from "node:fs/promises";
import { join } from "node:path";
import { badParameter, errorMessage, unavailable } from "../../../errors/error.js";
import { unlessNotFound } from "../file-status.js";
import { matchesGlob } from "../glob.js";
import type { ScpReport } from "./report.js";
import type { ScpStream } from "./stream.js";

/** What to receive, and where to. */
export interface ScpDownload {
  /** An existing folder, or the name of the file or folder to make. */
  readonly target: string;
  /** The name that the node must send, or a pattern of names; undefined where the path did not say it. */
  readonly expectedName: string | undefined;
  /** Whether the path is a pattern, which may stand for several files. */
  readonly several: boolean;
  readonly recursive: boolean;
  /** Keeps times, and modes whatever the umask. */
  readonly preserve: boolean;
}

interface Header {
  readonly kind: "C" | "D";
  readonly mode: number;
  readonly sizeBytes: number;
  readonly name: string;
}

/** Of a `T` line, in seconds. */
interface Times {
  readonly modified: number;
  readonly accessed: number;
}

interface Folder {
  readonly path: string;
  /** Set where the folder has other rights yet than it is to keep. */
  readonly finalMode: number | undefined;
  readonly times: Times | undefined;
}

const MAX_DEPTH = 256;
const OWNER = 0o700;

/** Receives to the end of the stream. Throws `unavailable` where the node gives up or breaks the protocol. */
export async function receiveFiles(
  stream: ScpStream,
  download: ScpDownload,
  report: ScpReport,
): Promise<void> {
  const targetIsFolder = (await unlessNotFound(stat(download.target)))?.isDirectory() ?? false;
  await new ScpSink(stream, download, report, targetIsFolder).receive();
}

class ScpSink {
  readonly #open: Folder[] = [];
  #topLevel = 0;
  #complained = false;
  /** Of the file or folder that comes next. */
  #times: Times | undefined;

  constructor(
    private readonly stream: ScpStream,
    private readonly download: ScpDownload,
    private readonly report: ScpReport,
    private readonly targetIsFolder: boolean,
  ) {}

  async receive(): Promise<void> {
    await this.stream.accept();
    for (let line = await this.stream.line(); line !== undefined; line = await this.stream.line()) {
      await this.#take(line);
    }
    if (this.#open.length > 0) throw unavailable("the node ended the copy within a folder");
    if (this.#topLevel === 0 && !this.#complained) throw unavailable("the node sent nothing");
  }

  async #take(line: string): Promise<void> {
    const complaint = this.stream.complaintIn(line);
    if (complaint !== undefined) {
      if (complaint.kind !== "warning") {
        throw unavailable(complaint.kind === "fatal" ? complaint.message : line);
      }
      this.#complained = true;
      this.report.failure(complaint.message);
    } else if (line.startsWith("T")) {
      this.#times = parseTimes(line);
      await this.stream.accept();
    } else if (line === "E") {
      await this.#leaveFolder();
    } else {
      const times = this.download.preserve ? this.#times : undefined;
      this.#times = undefined;
      await this.#takeHeader(parseHeader(line), times);
    }
  }

  async #takeHeader(header: Header, times: Times | undefined): Promise<void> {
    const inside = this.#open.at(-1);
    if (inside === undefined) this.#checkTopLevel(header);
    const path = inside ? join(inside.path, header.name) : this.#topLevelPath(header);
    if (header.kind === "C") {
      await this.#receiveFile(header, path, times);
      return;
    }
    if (!this.download.recursive)
      throw broken("it sends a folder where a file was asked for, perhaps try -r flag?");
    if (this.#open.length >= MAX_DEPTH) throw broken("folders are nested too deeply");
    this.#open.push(await this.#makeFolder(path, header.mode, times));
    await this.stream.accept();
  }

  #topLevelPath({ name }: Header): string {
    const { target } = this.download;
    return this.targetIsFolder ? join(target, name) : target;
  }

  #checkTopLevel({ name }: Header): void {
    this.#topLevel++;
    const { expectedName, several, target } = this.download;
    if (this.#topLevel > 1 && !several) throw broken("it sends more than was asked for");
    if (this.#topLevel > 1 && !this.targetIsFolder) {
      throw badParameter(`${target} is not a folder, so it cannot take several files`);
    }
    // Where a pattern matches nothing, the shell takes it for a name.
    const isExpected =
      expectedName === undefined || name === expectedName || (several && matchesGlob(name, expectedName));
    if (!isExpected) {
      throw broken(`it sends ${JSON.stringify(name)} where ${JSON.stringify(expectedName)} was asked for`);
    }
  }

  async #makeFolder(path: string, mode: number, times: Times | undefined): Promise<Folder> {
    const { preserve } = this.download;
    const existing = await unlessNotFound(stat(path));
    if (existing !== undefined) {
      if (!existing.isDirectory()) throw unavailable(`${path}: there is a file of that name already`);
      return { path, finalMode: preserve ? mode : undefined, times };
    }
    await mkdir(path, { mode: mode | OWNER });
    return { path, finalMode: preserve || (mode & OWNER) !== OWNER ? mode : undefined, times };
  }

  async #leaveFolder(): Promise<void> {
    const folder = this.#open.pop();
    if (folder === undefined) throw broken("a folder ends that has not begun");
    const { path, finalMode, times } = folder;
    if (times !== undefined) await utimes(path, times.accessed, times.modified);
    if (finalMode !== undefined) await chmod(path, finalMode);
    await this.stream.accept();
  }

  /** A file that cannot be written here is read to its end all the same, so that the others still come. */
  async #receiveFile(header: Header, path: string, times: Times | undefined): Promise<void> {
    const { stream, report } = this;
    let file: FileHandle;
    try {
      file = await open(path, "w", header.mode);
    } catch (error) {
      report.failure(errorMessage(error));
      await stream.refuse(errorMessage(error));
      return;
    }
    let problem: unknown;
    report.progress.start(path, header.sizeBytes);
    try {
      await stream.accept();
      for await (const chunk of stream.bytes(header.sizeBytes)) {
        if (problem === undefined) problem = await failureOf(file.writeFile(chunk));
        report.progress.add(chunk.length);
      }
      if (this.download.preserve) problem ??= await failureOf(keepAttributes(file, header.mode, times));
    } finally {
      report.progress.end();
      problem ??= await failureOf(file.close());
    }
    const answer = await stream.answer();
    if (answer.kind !== "ok") report.failure(answer.message);
    if (problem === undefined) {
      await stream.accept();
    } else {
      report.failure(`${path}: ${errorMessage(problem)}`);
      await stream.refuse(errorMessage(problem));
    }
  }
}

async function keepAttributes(file: FileHandle, mode: number, times: Times | undefined): Promise<void> {
  await file.chmod(mode);
  if (times !== undefined) await file.utimes(times.accessed, times.modified);
}

function parseTimes(line: string): Times {
  const [, modified, accessed] = /^T(\d{1,12}) \d{1,6} (\d{1,12}) \d{1,6}$/.exec(line) ?? [];
  if (modified === undefined || accessed === undefined) throw broken("a line of times cannot be read");
  return { modified: Number(modified), accessed: Number(accessed) };
}

function parseHeader(line: string): Header {
  const [, kind, mode, size, name] = /^([CD])([0-7]{4}) (\d{1,16}) ([\s\S]+)$/.exec(line) ?? [];
  if (mode === undefined || size === undefined || name === undefined) throw broken("a line cannot be read");
  const sizeBytes = Number(size);
  if (!Number.isSafeInteger(sizeBytes)) throw broken("a size is absurd");
  if (/[/\u0000-\u001f\u007f]/.test(name) || name === "." || name === "..") {
    throw broken(`${JSON.stringify(name)} is no file name`);
  }
  return { kind: kind === "D" ? "D" : "C", mode: Number.parseInt(mode, 8) & 0o777, sizeBytes, name };
}

async function failureOf(action: Promise<void>): Promise<unknown> {
  try {
    await action;
    return undefined;
  } catch (error) {
    return error;
  }
}

function broken(what: string): Error {
  return unavailable(`the node breaks the scp protocol: ${what}`);
}
