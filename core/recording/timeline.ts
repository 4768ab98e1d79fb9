/**
 * The time index of an unpacked recording: one record of fixed size for each frame, so that the frames of any moment are
 * found in a 24-hour recording without reading the others.
 */
import { createReadStream } from "node:fs";
import { corrupt, errorMessage } from "../errors/error.js";
import type { RecordedSize, SessionFrame, SessionTimeline, TimelineStart } from "../resources/timeline.js";
import { FixedRecords, writeRecords } from "./fixed-records.js";
import { FrameReader } from "./frames.js";
import { MAX_LINE_BYTES, splitLines } from "./lines.js";

/** The most frames of a window. */
export const MAX_FRAMES = 5000;

/** elapsedMs u48, offset u48, bytes u32, columns u16, rows u16; all little-endian. The size is the one that holds. */
const RECORD_BYTES = 20;
const MAX_U48 = 2 ** 48 - 1;
const MAX_U32 = 2 ** 32 - 1;

/** The state of a recording between two frames. */
export interface Moment {
  readonly elapsedMs: number;
  /** How much output there was. */
  readonly outputBytes: number;
  readonly size: RecordedSize | undefined;
}

/** Writes the index of an events file. Throws `corrupt` for events that no session can have. */
export async function buildTimeline(eventsPath: string, target: string): Promise<void> {
  await writeRecords(target, encodeFrames(eventsPath));
}

/** A window of at most {@link MAX_FRAMES} frames. */
export function readTimeline(path: string, start: TimelineStart, limit: number): Promise<SessionTimeline> {
  return withRecords(path, async (records) => {
    const index = await startIndex(records, start);
    const [last] = await records.read(Math.max(0, records.count - 1), 1);
    const window = await records.read(index, Math.min(limit, MAX_FRAMES));
    return {
      durationMs: last === undefined ? 0 : elapsedOf(last),
      frameCount: records.count,
      index,
      frames: window.map(decodeFrame),
    };
  });
}

/** The state before a frame. */
export function momentBefore(path: string, index: number): Promise<Moment> {
  return withRecords(path, async (records) => {
    const shown = Math.min(index, records.count);
    const [record] = shown === 0 ? [] : await records.read(shown - 1, 1);
    if (record === undefined) return { elapsedMs: 0, outputBytes: 0, size: undefined };
    const { elapsedMs, offset, bytes } = decodeFrame(record);
    return { elapsedMs, outputBytes: offset + bytes, size: sizeOf(record) };
  });
}

async function withRecords<T>(path: string, use: (records: FixedRecords) => Promise<T>): Promise<T> {
  const records = await FixedRecords.open(path, RECORD_BYTES);
  try {
    return await use(records);
  } finally {
    await records.close();
  }
}

async function startIndex(records: FixedRecords, start: TimelineStart): Promise<number> {
  if ("elapsedMs" in start) return records.after(start.elapsedMs, elapsedOf);
  return Math.min(start.index, records.count);
}

async function* encodeFrames(eventsPath: string): AsyncGenerator<Buffer> {
  const reader = new FrameReader();
  let size: RecordedSize | undefined;
  for await (const line of splitLines(createReadStream(eventsPath), MAX_LINE_BYTES)) {
    const frame = line.length === 0 ? undefined : reader.read(parseLine(line));
    if (frame === undefined) continue;
    size = frame.size ?? size;
    yield encodeFrame(frame, size);
  }
}

function parseLine(line: Buffer): Record<string, unknown> {
  try {
    return Object(JSON.parse(line.toString("utf8"))) as Record<string, unknown>;
  } catch (error) {
    throw corrupt(`a line of the recording is damaged: ${errorMessage(error)}`, { cause: error });
  }
}

function encodeFrame({ elapsedMs, offset, bytes }: SessionFrame, size: RecordedSize | undefined): Buffer {
  if (elapsedMs > MAX_U48 || offset > MAX_U48 || bytes > MAX_U32) {
    throw corrupt("the recording has output of an absurd time or place");
  }
  const record = Buffer.allocUnsafe(RECORD_BYTES);
  record.writeUIntLE(elapsedMs, 0, 6);
  record.writeUIntLE(offset, 6, 6);
  record.writeUInt32LE(bytes, 12);
  record.writeUInt16LE(size?.columns ?? 0, 16);
  record.writeUInt16LE(size?.rows ?? 0, 18);
  return record;
}

function decodeFrame(record: Buffer): SessionFrame {
  const frame = {
    elapsedMs: elapsedOf(record),
    offset: record.readUIntLE(6, 6),
    bytes: record.readUInt32LE(12),
  };
  const size = frame.bytes === 0 ? sizeOf(record) : undefined;
  return size === undefined ? frame : { ...frame, size };
}

const elapsedOf = (record: Buffer): number => record.readUIntLE(0, 6);

function sizeOf(record: Buffer): RecordedSize | undefined {
  const size = { columns: record.readUInt16LE(16), rows: record.readUInt16LE(18) };
  return size.columns === 0 ? undefined : size;
}
