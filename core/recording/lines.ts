import { limitExceeded } from "../errors/error.js";

/** The longest line of a recording's events. */
export const MAX_LINE_BYTES = 4 * 1024 * 1024;

const NEWLINE = 0x0a;

/** Splits bytes at newlines, without them; a last line needs none. Throws `limit_exceeded` for a longer line. */
export async function* splitLines(
  bytes: AsyncIterable<Uint8Array>,
  maxLineBytes: number,
): AsyncGenerator<Buffer> {
  let parts: Buffer[] = [];
  let partsBytes = 0;
  const hold = (part: Buffer): void => {
    partsBytes += part.length;
    if (partsBytes > maxLineBytes) throw limitExceeded(`a line has more than ${maxLineBytes} bytes`);
    parts.push(part);
  };
  for await (const chunk of bytes) {
    const buffer = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    let start = 0;
    for (let end = buffer.indexOf(NEWLINE); end >= 0; end = buffer.indexOf(NEWLINE, start)) {
      hold(buffer.subarray(start, end));
      yield parts.length === 1 && parts[0] !== undefined ? parts[0] : Buffer.concat(parts);
      parts = [];
      partsBytes = 0;
      start = end + 1;
    }
    if (start < buffer.length) hold(buffer.subarray(start));
  }
  if (partsBytes > 0) yield Buffer.concat(parts);
}
