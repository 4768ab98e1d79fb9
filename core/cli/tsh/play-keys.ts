/** The keys of `tsh play` (features.md §3.6). */
import type { Readable } from "node:stream";

/** What a key means. */
export type PlayKey = "pause" | "back" | "forward" | "faster" | "slower" | "stop";

/** Keys as they are pressed. */
export interface KeySource {
  /** The next key; undefined once the signal is aborted. A key that comes later is kept for the next call. */
  next(signal: AbortSignal): Promise<PlayKey | undefined>;
}

const KEYS: readonly (readonly [sequence: string, key: PlayKey])[] = [
  ["\u001b[D", "back"],
  ["\u001b[B", "back"],
  ["\u001b[C", "forward"],
  ["\u001b[A", "forward"],
  [" ", "pause"],
  ["+", "faster"],
  ["-", "slower"],
  ["\u0003", "stop"],
  ["\u0004", "stop"],
];

/** Reads keys from a terminal in raw mode. Other keys are passed over. */
export function readKeys(input: Readable): KeySource {
  const waiting: PlayKey[] = [];
  let wake: () => void = () => undefined;
  input.on("data", (data: Buffer) => {
    waiting.push(...parseKeys(data.toString("latin1")));
    wake();
  });
  return {
    next(signal) {
      return new Promise((resolve) => {
        const look = (): void => {
          const key = waiting.shift();
          if (key !== undefined || signal.aborted) resolve(key);
        };
        wake = look;
        signal.addEventListener("abort", () => resolve(undefined), { once: true });
        look();
      });
    },
  };
}

function parseKeys(text: string): PlayKey[] {
  const keys: PlayKey[] = [];
  for (let rest = text; rest !== "";) {
    const found = KEYS.find(([sequence]) => rest.startsWith(sequence));
    if (found !== undefined) keys.push(found[1]);
    rest = rest.slice(found?.[0].length ?? 1);
  }
  return keys;
}
