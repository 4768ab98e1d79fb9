import type { Duplex } from "node:stream";

/**
 * Joins two byte streams until both directions have ended. Half-close is kept: the end of one direction is passed on
 * and the other goes on. Back-pressure goes through both ways. When either stream breaks, the other is torn down; when
 * one closes while the other still sends, the other is closed once it has taken what it was sent before.
 * Resolves when all bytes are delivered or the streams are gone; never rejects. Streams that ended in both directions
 * are not closed: what that takes is the caller's to know.
 */
export async function relay(a: Duplex, b: Duplex): Promise<void> {
  // One of them may have gone while the other was being connected: its `close` event is over.
  if (a.destroyed || b.destroyed) {
    a.destroy();
    b.destroy();
    return;
  }
  await Promise.all([oneWay(a, b), oneWay(b, a)]);
}

function oneWay(from: Duplex, to: Duplex): Promise<void> {
  return new Promise((resolve) => {
    from.pipe(to);
    // Stays for good: a torn-down stream may report more than one error.
    from.on("error", () => to.destroy());
    from.once("close", () => {
      // A stream that closed without an end has broken; the other side must not wait for more.
      if (!from.readableEnded) to.destroy();
    });
    to.once("finish", resolve);
    to.once("close", () => {
      // Nobody takes the rest, and a paused stream would never notice that its peer has gone.
      if (!from.readableEnded) destroyOnceWritten(from);
      resolve();
    });
  });
}

function destroyOnceWritten(stream: Duplex): void {
  if (stream.writableFinished) stream.destroy();
  else stream.once("finish", () => stream.destroy());
}
