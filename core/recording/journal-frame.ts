/**
 * The frames of a recording's journal.
 *
 * A frame is `length:u32 crc32:u32 type:u8 payload`, big-endian; the length counts type and payload, the checksum
 * covers them. A journal begins with one header frame. A process that dies leaves at most one torn frame, the last.
 */
import { crc32 } from "node:zlib";
import { limitExceeded } from "../errors/error.js";

/** What a frame holds. */
export const FrameType = {
  /** JSON of a {@link JournalHeader}. */
  header: 1,
  /** JSON of an audit event with its `ei`. */
  event: 2,
  /** `timeMs:f64` and raw terminal output. */
  print: 3,
} as const;

/** One frame of a journal. */
export type Frame =
  | { readonly type: typeof FrameType.header; readonly payload: Buffer }
  | { readonly type: typeof FrameType.event; readonly payload: Buffer }
  /** `timeMs` is Unix time. */
  | { readonly type: typeof FrameType.print; readonly timeMs: number; readonly payload: Buffer };

/** The most a frame's payload may have. */
export const MAX_PAYLOAD_BYTES = 1024 * 1024;
/** A length field beyond this is damage. */
const MAX_FRAME_BYTES = MAX_PAYLOAD_BYTES + 16;

const PREFIX_BYTES = 8;

/** Encodes a frame. Throws `limit_exceeded` beyond {@link MAX_PAYLOAD_BYTES}. */
export function encodeFrame(frame: Frame): Buffer[] {
  if (frame.payload.length > MAX_PAYLOAD_BYTES) {
    throw limitExceeded(
      `a recording's event may have ${MAX_PAYLOAD_BYTES} bytes, this one has ${frame.payload.length}`,
    );
  }
  const isPrint = frame.type === FrameType.print;
  const head = Buffer.alloc(PREFIX_BYTES + 1 + (isPrint ? 8 : 0));
  head[PREFIX_BYTES] = frame.type;
  if (isPrint) head.writeDoubleBE(frame.timeMs, PREFIX_BYTES + 1);
  head.writeUInt32BE(head.length - PREFIX_BYTES + frame.payload.length, 0);
  head.writeUInt32BE(checksum(head.subarray(PREFIX_BYTES), frame.payload), 4);
  return [head, frame.payload];
}

/**
 * Decodes the journal's frames. Ends at the end of the bytes, or before the first frame that is cut short or damaged;
 * `onTorn` then learns at which byte.
 */
export async function* decodeFrames(
  bytes: AsyncIterable<Uint8Array>,
  onTorn?: (offset: number) => void,
): AsyncGenerator<Frame> {
  let buffered: Buffer = Buffer.alloc(0);
  let offset = 0;
  for await (const chunk of bytes) {
    buffered = buffered.length === 0 ? Buffer.from(chunk) : Buffer.concat([buffered, chunk]);
    while (buffered.length >= PREFIX_BYTES) {
      const length = buffered.readUInt32BE(0);
      if (length < 1 || length > MAX_FRAME_BYTES) {
        onTorn?.(offset);
        return;
      }
      if (buffered.length < PREFIX_BYTES + length) break;
      const body = buffered.subarray(PREFIX_BYTES, PREFIX_BYTES + length);
      const frame = crc32(body) === buffered.readUInt32BE(4) ? parseBody(body) : undefined;
      if (frame === undefined) {
        onTorn?.(offset);
        return;
      }
      yield frame;
      buffered = buffered.subarray(PREFIX_BYTES + length);
      offset += PREFIX_BYTES + length;
    }
  }
  if (buffered.length > 0) onTorn?.(offset);
}

function checksum(head: Buffer, payload: Buffer): number {
  const sum = crc32(head);
  // zlib answers 0 for no bytes, whatever came before them.
  return payload.length === 0 ? sum : crc32(payload, sum);
}

function parseBody(body: Buffer): Frame | undefined {
  const type = body[0];
  if (type === FrameType.header || type === FrameType.event) return { type, payload: body.subarray(1) };
  if (type === FrameType.print && body.length >= 9) {
    return { type, timeMs: body.readDoubleBE(1), payload: body.subarray(9) };
  }
  return undefined;
}
