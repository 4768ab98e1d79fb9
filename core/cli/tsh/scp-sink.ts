/**
 * The receiving side of the classic scp protocol. The node is not trusted: it may only write the file or folder that was
 * asked for, below the target that was given (CVE-2018-20685, CVE-2019-6111).
 */
import { chmod, mkdir, open, stat, type FileHandle } from "node:fs/promises";
import { join } from "node:path";
import { errorMessage, unavailable } from "../../errors/error.js";
import { unlessNotFound } from "./file-status.js";
import type { ScpReport } from "./scp-report.js";
import type { ScpStream } from "./scp-stream.js";

/** What to receive, and where to. */
export interface ScpDownload {
  /** An existing folder, or the name of the file or folder to make. */
  readonly target: string;
  /** The name that the node must send; undefined where the path did not say it. */
  readonly expectedName: string | undefined;
  readonly recursive: boolean;
}

interface Header {
  readonly kind: "C" | "D";
  readonly mode: number;
  readonly sizeBytes: number;
  readonly name: string;
}

interface Folder {
  readonly path: string;
  /** Set where the folder was made with more rights than it is to keep. */
  readonly finalMode: number | undefined;
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
  const open: Folder[] = [];
  let topLevel = 0;
  let complained = false;
  await stream.accept();
  for (let line = await stream.line(); line !== undefined; line = await stream.line()) {
    const complaint = stream.complaintIn(line);
    if (complaint !== undefined) {
      if (complaint.kind !== "warning")
        throw unavailable(complaint.kind === "fatal" ? complaint.message : line);
      complained = true;
      report.failure(complaint.message);
      continue;
    }
    if (line.startsWith("T")) {
      await stream.accept();
      continue;
    }
    if (line === "E") {
      const folder = open.pop();
      if (folder === undefined) throw broken("a folder ends that has not begun");
      if (folder.finalMode !== undefined) await chmod(folder.path, folder.finalMode);
      await stream.accept();
      continue;
    }
    const header = parseHeader(line);
    const inside = open.at(-1);
    if (inside === undefined) checkTopLevel(header, download, ++topLevel);
    const path = inside
      ? join(inside.path, header.name)
      : targetIsFolder
        ? join(download.target, header.name)
        : download.target;
    if (header.kind === "C") {
      await receiveFile(stream, header, path, report);
    } else {
      if (!download.recursive)
        throw broken("it sends a folder where a file was asked for, perhaps try -r flag?");
      if (open.length >= MAX_DEPTH) throw broken("folders are nested too deeply");
      open.push(await makeFolder(path, header.mode));
      await stream.accept();
    }
  }
  if (open.length > 0) throw unavailable("the node ended the copy within a folder");
  if (topLevel === 0 && !complained) throw unavailable("the node sent nothing");
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

function checkTopLevel({ name }: Header, { expectedName }: ScpDownload, count: number): void {
  if (count > 1) throw broken("it sends more than was asked for");
  if (expectedName !== undefined && name !== expectedName) {
    throw broken(`it sends ${JSON.stringify(name)} where ${JSON.stringify(expectedName)} was asked for`);
  }
}

async function makeFolder(path: string, mode: number): Promise<Folder> {
  const existing = await unlessNotFound(stat(path));
  if (existing !== undefined) {
    if (!existing.isDirectory()) throw unavailable(`${path}: there is a file of that name already`);
    return { path, finalMode: undefined };
  }
  await mkdir(path, { mode: mode | OWNER });
  return { path, finalMode: (mode & OWNER) === OWNER ? undefined : mode };
}

/** A file that cannot be written here is read to its end all the same, so that the others still come. */
async function receiveFile(
  stream: ScpStream,
  header: Header,
  path: string,
  report: ScpReport,
): Promise<void> {
  let file: FileHandle;
  try {
    file = await open(path, "w", header.mode);
  } catch (error) {
    report.failure(errorMessage(error));
    await stream.refuse(errorMessage(error));
    return;
  }
  let problem: unknown;
  try {
    report.file(path, header.sizeBytes);
    await stream.accept();
    for await (const chunk of stream.bytes(header.sizeBytes)) {
      if (problem === undefined) problem = await failureOf(file.writeFile(chunk));
    }
  } finally {
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
