/** Plays a recording on the terminal: core/recording/player.ts says what and when, this file does it. */
import type { Clock } from "../../plugin/clock.js";
import {
  advance,
  elapsedOf,
  isAtEnd,
  seek,
  setSpeed,
  startPlayer,
  togglePause,
  untilNext,
  type Frame,
  type PlayerState,
  type PlayerStep,
} from "../../recording/player.js";
import type { KeySource, PlayKey } from "./play-keys.js";
import type { SessionOutput } from "./session-output.js";

/** Where a recording is played. */
export interface Screen {
  /** Resolves when the data is taken. */
  write(data: string | Uint8Array): Promise<void>;
  /** Width for the clock in the corner. */
  readonly columns: () => number;
}

/** A recording and what it is played with. */
export interface Playing {
  readonly frames: readonly Frame[];
  readonly output: Pick<SessionOutput, "read">;
  readonly screen: Screen;
  readonly keys: KeySource;
  readonly clock: Clock;
}

const CLEAR = "\u001b[H\u001b[2J";
const BACK_FRAMES = -1;
const FORWARD_FRAMES = 2;
const SPEED_STEP = 2;

/** Plays to the end, or until the user stops it. */
export async function playSession(playing: Playing): Promise<void> {
  const { clock, keys } = playing;
  let state = startPlayer(playing.frames);
  let lastMs = clock.now().getTime();
  while (!isAtEnd(state) || state.paused) {
    const key = await keyOrTimeout(keys, untilNext(state), clock);
    const nowMs = clock.now().getTime();
    state = await show(playing, advance(state, nowMs - lastMs));
    lastMs = nowMs;
    if (key === "stop") return;
    if (key !== undefined) state = await show(playing, press(state, key));
  }
}

/** Writes all output at once: for output that is no terminal, where nobody watches. */
export async function dumpSession({
  frames,
  output,
  screen,
}: Omit<Playing, "keys" | "clock">): Promise<void> {
  for (const frame of frames) {
    for await (const piece of output.read(frame.offset, frame.bytes)) await screen.write(piece);
  }
}

function press(state: PlayerState, key: Exclude<PlayKey, "stop">): PlayerStep {
  const still = (next: PlayerState): PlayerStep => ({ state: next, clear: false, frames: [] });
  switch (key) {
    case "pause":
      return still(togglePause(state));
    case "faster":
      return still(setSpeed(state, state.speed * SPEED_STEP));
    case "slower":
      return still(setSpeed(state, state.speed / SPEED_STEP));
    case "back":
      return seek(state, BACK_FRAMES);
    case "forward":
      return seek(state, FORWARD_FRAMES);
  }
}

async function show({ screen, output }: Playing, step: PlayerStep): Promise<PlayerState> {
  if (step.clear) await screen.write(CLEAR);
  for (const { size, offset, bytes } of step.frames) {
    if (size !== undefined) await screen.write(`\u001b[8;${size.rows};${size.columns}t`);
    for await (const piece of output.read(offset, bytes)) await screen.write(piece);
  }
  if (step.clear || step.frames.length > 0) await screen.write(corner(step.state, screen.columns()));
  return step.state;
}

/** The session's time in the top right corner; the cursor stays where it is. */
function corner(state: PlayerState, columns: number): string {
  const seconds = Math.floor(elapsedOf(state) / 1000);
  const two = (value: number): string => String(value).padStart(2, "0");
  const time = `${two(Math.floor(seconds / 3600))}:${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}`;
  return `\u001b7\u001b[1;${Math.max(1, columns - time.length + 1)}H\u001b[7m${time}\u001b[0m\u001b8`;
}

/** Waits for a key, but no longer than so; without a time, until there is one. */
async function keyOrTimeout(
  keys: KeySource,
  timeoutMs: number | undefined,
  clock: Clock,
): Promise<PlayKey | undefined> {
  const stop = new AbortController();
  const timeout =
    timeoutMs === undefined
      ? []
      : [
          clock.sleep(timeoutMs, stop.signal).then(
            () => undefined,
            () => undefined,
          ),
        ];
  try {
    return await Promise.race([keys.next(stop.signal), ...timeout]);
  } finally {
    stop.abort();
  }
}
