/** Checks of an archive that another host sends, made while its bytes pass through to the store. */
import { PassThrough } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createGunzip } from "node:zlib";
import { badParameter, CodedError, errorMessage, limitExceeded } from "../errors/error.js";
import { MAX_LINE_BYTES, splitLines } from "./lines.js";
import { indexName, memberType, parseIndex } from "./session-files.js";
import { checkSessionId } from "./session-id.js";
import { readUstar, type UstarEntry } from "./ustar.js";

/** What an archive must agree with. */
export interface ArchiveExpectation {
  readonly sessionId: string;
  /** The sender's host id: every `server_id` of the events must be this. */
  readonly serverId: string;
  /** The namespaces that exist; every `namespace` of the events must be one of them. */
  readonly namespaces: readonly string[];
  /** The most bytes an archive may have; 16 GiB when absent. */
  readonly maxBytes?: number | undefined;
}

const DEFAULT_MAX_BYTES = 16 * 1024 ** 3;
const MAX_INDEX_BYTES = 4 * 1024 * 1024;
const MAX_EVENTS_BYTES = 4 * 1024 ** 3;
const MAX_MEMBERS = 4096;

/**
 * Passes an archive through and throws `bad_parameter` or `limit_exceeded` before the end where it is not a recording
 * of this session by this host. The consumer must not commit what it got before the iteration has returned.
 */
export async function* checkedArchive(
  archive: AsyncIterable<Uint8Array>,
  expectation: ArchiveExpectation,
): AsyncGenerator<Uint8Array> {
  checkSessionId(expectation.sessionId);
  const tar = new PassThrough();
  const verdict = inspect(tar, expectation).catch((error: unknown) => {
    throw error instanceof CodedError ? error : invalid(errorMessage(error), error);
  });
  // Awaited below; until then a failure must not count as unhandled.
  verdict.catch(() => undefined);
  const maxBytes = expectation.maxBytes ?? DEFAULT_MAX_BYTES;
  let total = 0;
  try {
    for await (const chunk of archive) {
      total += chunk.length;
      if (total > maxBytes) throw limitExceeded(`the recording is larger than ${maxBytes} bytes`);
      await feed(tar, chunk, verdict);
      yield chunk;
    }
    tar.end();
    await verdict;
  } finally {
    tar.destroy();
  }
}

async function feed(tar: PassThrough, chunk: Uint8Array, verdict: Promise<void>): Promise<void> {
  if (tar.write(chunk)) return;
  const drained = new Promise<void>((resolve) => tar.once("drain", resolve));
  // A check that failed stops reading, so that the drain never comes.
  await Promise.race([drained, verdict]);
}

async function inspect(tar: PassThrough, expectation: ArchiveExpectation): Promise<void> {
  const { sessionId } = expectation;
  const found = new Set<string>();
  let index: string | undefined;
  for await (const entry of readUstar(tar)) {
    const { name } = entry;
    const type = memberType(sessionId, name);
    if (type === undefined) throw invalid(`unexpected member ${JSON.stringify(name)}`);
    if (found.has(name) || found.size >= MAX_MEMBERS) throw invalid(`too many members, or ${name} twice`);
    found.add(name);
    if (type === "index") index = await readText(entry, MAX_INDEX_BYTES);
    else if (type === "chunks") await skip(entry);
    else await checkEvents(entry, expectation);
  }
  const entries = index === undefined ? undefined : parseIndex(sessionId, index);
  if (entries === undefined) throw invalid("the index is missing or malformed");
  const named = new Set(entries.map((entry) => entry.file_name));
  for (const name of named) if (!found.has(name)) throw invalid(`${name} is missing`);
  for (const name of found) {
    if (name !== indexName(sessionId) && !named.has(name)) throw invalid(`${name} is not in the index`);
  }
}

async function checkEvents(entry: UstarEntry, expectation: ArchiveExpectation): Promise<void> {
  await pipeline(entry.content, createGunzip(), async (bytes: AsyncIterable<Buffer>) => {
    for await (const line of splitLines(bounded(bytes), MAX_LINE_BYTES)) checkEventLine(line, expectation);
  });
}

async function* bounded(bytes: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let total = 0;
  for await (const chunk of bytes) {
    total += chunk.length;
    if (total > MAX_EVENTS_BYTES) throw limitExceeded("the recording's events are too large");
    yield chunk;
  }
}

/** Throws `bad_parameter` for a line of events that is none of this session by this host. */
export function checkEventLine(line: Buffer, expectation: ArchiveExpectation): void {
  if (line.length === 0) return;
  const event = parseObject(line.toString("utf8"));
  const { server_id: serverId, namespace, sid } = event;
  if (serverId !== undefined && serverId !== expectation.serverId) {
    throw invalid("an event names another server than the sender");
  }
  if (namespace !== undefined && !expectation.namespaces.includes(namespace as string)) {
    throw invalid("an event names an unknown namespace");
  }
  if (sid !== undefined && sid !== expectation.sessionId) throw invalid("an event names another session");
}

function parseObject(line: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch (error) {
    throw invalid("an event line is not JSON", error);
  }
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw invalid("an event line is no object");
  return value as Record<string, unknown>;
}

async function readText(entry: UstarEntry, maxBytes: number): Promise<string> {
  const parts: Buffer[] = [];
  let total = 0;
  for await (const chunk of entry.content) {
    total += chunk.length;
    if (total > maxBytes) throw limitExceeded("the recording's index is too large");
    parts.push(chunk);
  }
  return Buffer.concat(parts).toString("utf8");
}

async function skip(entry: UstarEntry): Promise<void> {
  for await (const _ of entry.content) void _;
}

const invalid = (reason: string, cause?: unknown): CodedError =>
  badParameter(`failed to validate archive: ${reason}`, { cause });
