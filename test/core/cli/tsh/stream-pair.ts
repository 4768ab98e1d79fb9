import { Duplex, PassThrough } from "node:stream";

/** Two ends of a byte stream: what one writes, the other reads. */
export function streamPair(): [Duplex, Duplex] {
  const [there, back] = [new PassThrough(), new PassThrough()];
  return [Duplex.from({ readable: back, writable: there }), Duplex.from({ readable: there, writable: back })];
}
