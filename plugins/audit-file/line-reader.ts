import type { FileHandle } from "node:fs/promises";

/** A line of a file, without its newline. */
export interface Line {
  /** Offset of its first byte. */
  readonly start: number;
  /** Offset behind its newline. */
  readonly end: number;
  readonly bytes: Buffer;
}

const NEWLINE = 0x0a;
const BLOCK_BYTES = 256 * 1024;
/** A longer line cannot be an event: it is skipped, so that damage cannot fill the memory. */
const MAX_LINE_BYTES = 16 * 1024 * 1024;

/** Reads whole lines from `from` to `size` in order. A last line without newline is still being written: left out. */
export async function* linesForward(file: FileHandle, from: number, size: number): AsyncGenerator<Line> {
  let held: Buffer[] = [];
  let heldBytes = 0;
  let lineStart = from;
  for (let offset = from; offset < size;) {
    const block = await readBlock(file, offset, Math.min(BLOCK_BYTES, size - offset));
    if (block.length === 0) return;
    let start = 0;
    for (let end = block.indexOf(NEWLINE); end >= 0; end = block.indexOf(NEWLINE, start)) {
      const bytes = Buffer.concat([...held, block.subarray(start, end)]);
      const lineEnd = offset + end + 1;
      if (heldBytes <= MAX_LINE_BYTES) yield { start: lineStart, end: lineEnd, bytes };
      held = [];
      heldBytes = 0;
      start = end + 1;
      lineStart = lineEnd;
    }
    heldBytes += block.length - start;
    if (heldBytes > MAX_LINE_BYTES) held = [];
    else held.push(block.subarray(start));
    offset += block.length;
  }
}

/** Reads whole lines that end at or before `to`, the last one first. */
export async function* linesBackward(file: FileHandle, to: number): AsyncGenerator<Line> {
  let held: Buffer[] = [];
  let heldBytes = 0;
  /** Where the line under way ends; undefined until the first newline from behind. */
  let lineEnd: number | undefined;
  for (let blockEnd = to; blockEnd > 0;) {
    const blockStart = Math.max(0, blockEnd - BLOCK_BYTES);
    const block = await readBlock(file, blockStart, blockEnd - blockStart);
    let end = block.length;
    for (let newline = block.lastIndexOf(NEWLINE); newline >= 0; newline = lastNewline(block, newline)) {
      const start = blockStart + newline + 1;
      if (lineEnd !== undefined && heldBytes <= MAX_LINE_BYTES) {
        yield { start, end: lineEnd, bytes: Buffer.concat([block.subarray(newline + 1, end), ...held]) };
      }
      held = [];
      heldBytes = 0;
      lineEnd = start;
      end = newline;
    }
    heldBytes += end;
    if (heldBytes > MAX_LINE_BYTES) held = [];
    else held.unshift(block.subarray(0, end));
    blockEnd = blockStart;
  }
  if (lineEnd !== undefined && heldBytes <= MAX_LINE_BYTES) {
    yield { start: 0, end: lineEnd, bytes: Buffer.concat(held) };
  }
}

/** The newline before the one at `position`; a negative offset of `lastIndexOf` would count from the end. */
function lastNewline(block: Buffer, position: number): number {
  return position === 0 ? -1 : block.lastIndexOf(NEWLINE, position - 1);
}

async function readBlock(file: FileHandle, offset: number, length: number): Promise<Buffer> {
  const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, offset);
  return buffer.subarray(0, bytesRead);
}
