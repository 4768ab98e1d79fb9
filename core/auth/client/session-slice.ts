import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { badParameter } from "../../errors/error.js";
import type { SessionChunk, SessionSlice } from "./api.js";
import {
  SessionSliceSchema,
  type SessionChunk as ChunkMessage,
  type SessionSlice as SliceMessage,
} from "./messages/gen/events_pb.js";

/** The bytes of a slice (wire.md §9.2). */
export function encodeSessionSlice(slice: SessionSlice): Uint8Array {
  return toBinary(
    SessionSliceSchema,
    create(SessionSliceSchema, {
      namespace: slice.namespace,
      sessionId: slice.sessionId,
      version: BigInt(slice.version),
      chunks: slice.chunks.map((chunk) => ({
        time: chunk.timeUnixNs,
        data: Uint8Array.from(chunk.data),
        eventType: chunk.eventType,
        eventIndex: BigInt(chunk.eventIndex),
        chunkIndex: BigInt(chunk.chunkIndex),
        offset: BigInt(chunk.offset),
        delay: BigInt(chunk.delayMs),
      })),
    }),
  );
}

/** The slice in `bytes`. Throws `bad_parameter` for what is none. */
export function decodeSessionSlice(bytes: Uint8Array): SessionSlice {
  let message: SliceMessage;
  try {
    message = fromBinary(SessionSliceSchema, bytes);
  } catch (cause) {
    throw badParameter("the body is not a session slice", { cause });
  }
  return {
    namespace: message.namespace,
    sessionId: message.sessionId,
    version: Number(message.version),
    chunks: message.chunks.map(fromChunk),
  };
}

function fromChunk(chunk: ChunkMessage): SessionChunk {
  return {
    timeUnixNs: chunk.time,
    data: chunk.data,
    eventType: chunk.eventType,
    eventIndex: Number(chunk.eventIndex),
    chunkIndex: Number(chunk.chunkIndex),
    offset: Number(chunk.offset),
    delayMs: Number(chunk.delay),
  };
}
