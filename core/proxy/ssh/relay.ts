import type { Duplex } from "node:stream";

/**
 * Joins two byte streams until both directions have ended. Half-close is kept: the end of one direction is passed on
 * and the other goes on. Back-pressure goes through both ways. When either stream breaks, the other is torn down.
 * Resolves when all is over; never rejects.
 */
export function relay(a: Duplex, b: Duplex): Promise<void> {
  return new Promise((resolve) => {
    let open = 2;
    const finished = (): void => {
      open -= 1;
      if (open === 0) resolve();
    };
    for (const [from, to] of [
      [a, b],
      [b, a],
    ] as const) {
      from.pipe(to);
      from.once("error", () => to.destroy());
      from.once("close", () => {
        // A stream that closed without an end has broken; the other side must not wait for more.
        if (!from.readableEnded) to.destroy();
        finished();
      });
    }
  });
}
