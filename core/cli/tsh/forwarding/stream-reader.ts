import { once } from "node:events";
import type { Duplex } from "node:stream";
import { badParameter } from "../../../errors/error.js";

/**
 * The next `count` bytes of a stream, leaving what follows in it. Throws `bad_parameter` where it ends before. The
 * stream must not flow yet; it may be piped once the caller has waited for anything else.
 */
export async function readExactly(stream: Duplex, count: number): Promise<Buffer> {
  for (;;) {
    const chunk = stream.read(count) as Buffer | null;
    if (chunk !== null && chunk.length === count) return chunk;
    if (chunk !== null || stream.readableEnded || stream.destroyed) {
      throw badParameter("the connection ended before its request was complete");
    }
    const settled = new AbortController();
    try {
      await Promise.race(
        ["readable", "end", "close"].map((event) => once(stream, event, { signal: settled.signal })),
      );
    } finally {
      settled.abort();
    }
  }
}
