/** The keys of `tsh play` (features.md §3.6), and those to move in long recordings. */
import type { Readable } from "node:stream";

/** A key that goes to so many tenths of the session. */
export type TenthKey = "0" | "1" | "2" | "3" | "4" | "5" | "6" | "7" | "8" | "9";

/** What a key means. */
export type PlayKey =
  | ("pause" | "back" | "forward" | "minute-back" | "minute-forward" | "home" | "end")
  | ("faster" | "slower" | "stop" | TenthKey);

/** Whether a key goes to tenths of the session. */
export function isTenth(key: string): key is TenthKey {
  return /^\d$/.test(key);
}

/** Keys as they are pressed. */
export interface KeySource {
  /** The next key; undefined once the signal is aborted. A key that comes later is kept for the next call. */
  next(signal: AbortSignal): Promise<PlayKey | undefined>;
}

/** By what a terminal sends; after `ESC O` the same letters come in application mode as after `ESC [`. */
const SEQUENCES: Readonly<Record<string, PlayKey>> = {
  "\u001b[D": "back",
  "\u001b[B": "back",
  "\u001b[C": "forward",
  "\u001b[A": "forward",
  "\u001b[5~": "minute-back",
  "\u001b[6~": "minute-forward",
  "\u001b[H": "home",
  "\u001b[1~": "home",
  "\u001b[7~": "home",
  "\u001b[F": "end",
  "\u001b[4~": "end",
  "\u001b[8~": "end",
};
const CHARACTERS: Readonly<Record<string, PlayKey>> = {
  " ": "pause",
  "+": "faster",
  "-": "slower",
  "q": "stop",
  "\u0003": "stop",
  "\u0004": "stop",
};

/** A control sequence, a string of the terminal's (as an answer to a query), or a character. */
const PRESSED = /\u001b[[O][0-?]*[ -/]*[@-~]|\u001b[\]P_^X][^\u0007\u001b]*(?:\u0007|\u001b\\)?|[\s\S]/g;

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
        const settle = (key: PlayKey | undefined): void => {
          // A key that comes while nobody waits must stay for the next call.
          wake = () => undefined;
          resolve(key);
        };
        const look = (): void => {
          const key = waiting.shift();
          if (key !== undefined || signal.aborted) settle(key);
        };
        wake = look;
        signal.addEventListener("abort", () => wake === look && settle(undefined), { once: true });
        look();
      });
    },
  };
}

function parseKeys(text: string): PlayKey[] {
  return (text.match(PRESSED) ?? []).map(keyOf).filter((key) => key !== undefined);
}

function keyOf(pressed: string): PlayKey | undefined {
  if (isTenth(pressed)) return pressed;
  return CHARACTERS[pressed] ?? SEQUENCES[pressed.replace("\u001bO", "\u001b[")];
}
