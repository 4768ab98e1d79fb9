/** Playback of a recording as pure functions: what to write to the terminal, and when. `tsh play` does the I/O. */

/** One step of a playback. */
export interface Frame {
  /** Playback time in milliseconds at normal speed, long pauses cut. */
  readonly atMs: number;
  /** Session time in milliseconds, for the clock on the screen. */
  readonly elapsedMs: number;
  /** Output to write: a range of the session's bytes; empty for a resize. */
  readonly offset: number;
  readonly bytes: number;
  /** The terminal size from here on, where it changes. */
  readonly size?: { readonly columns: number; readonly rows: number } | undefined;
}

/** The state of a player. Never changed; each command returns a new one. */
export interface PlayerState {
  readonly frames: readonly Frame[];
  /** How many frames are on the screen. */
  readonly position: number;
  /** Playback time. */
  readonly atMs: number;
  readonly paused: boolean;
  /** 1 is real time; from {@link MIN_SPEED} to {@link MAX_SPEED}. */
  readonly speed: number;
}

/** What a command makes of the screen. */
export interface PlayerStep {
  readonly state: PlayerState;
  /** Whether the screen must be cleared before `frames` are written. */
  readonly clear: boolean;
  readonly frames: readonly Frame[];
}

/** The slowest speed. */
export const MIN_SPEED = 0.25;
/** The fastest speed. */
export const MAX_SPEED = 8;

/** Makes the frames of a recording from its events. Lines that are neither print, start nor resize are passed over. */
export function buildFrames(events: readonly Readonly<Record<string, unknown>>[]): Frame[] {
  const frames: Frame[] = [];
  let atMs = 0;
  let elapsedMs = 0;
  let offset = 0;
  for (const event of events) {
    if (event["event"] === "print") {
      const ms = natural(event["ms"]) ?? elapsedMs;
      atMs += clipGap(ms - elapsedMs);
      elapsedMs = Math.max(elapsedMs, ms);
      offset = natural(event["offset"]) ?? offset;
      const bytes = natural(event["bytes"]) ?? 0;
      frames.push({ atMs, elapsedMs, offset, bytes });
      offset += bytes;
    } else if (event["event"] === "session.start" || event["event"] === "resize") {
      const size = parseSize(event["size"]);
      if (size !== undefined) frames.push({ atMs, elapsedMs, offset, bytes: 0, size });
    }
  }
  return frames;
}

/** A player before its first frame. */
export function startPlayer(frames: readonly Frame[]): PlayerState {
  return { frames, position: 0, atMs: 0, paused: false, speed: 1 };
}

/** Lets wall-clock time pass. */
export function advance(state: PlayerState, elapsedMs: number): PlayerStep {
  if (state.paused) return { state, clear: false, frames: [] };
  const atMs = state.atMs + elapsedMs * state.speed;
  let position = state.position;
  while ((state.frames[position]?.atMs ?? Infinity) <= atMs) position++;
  return {
    state: { ...state, atMs, position },
    clear: false,
    frames: state.frames.slice(state.position, position),
  };
}

/** Wall-clock milliseconds until {@link advance} has the next frame; undefined while paused and at the end. */
export function untilNext(state: PlayerState): number | undefined {
  const next = state.frames[state.position];
  if (next === undefined || state.paused) return undefined;
  return Math.max(0, (next.atMs - state.atMs) / state.speed);
}

/** Whether everything has been shown. */
export function isAtEnd(state: PlayerState): boolean {
  return state.position >= state.frames.length;
}

/** Pauses, or goes on. */
export function togglePause(state: PlayerState): PlayerState {
  return { ...state, paused: !state.paused };
}

/** Changes the speed, kept within bounds. */
export function setSpeed(state: PlayerState, speed: number): PlayerState {
  return { ...state, speed: Math.min(MAX_SPEED, Math.max(MIN_SPEED, speed)) };
}

/** Skips frames forward, or back with a negative count; back repaints from the start. */
export function seek(state: PlayerState, frameCount: number): PlayerStep {
  const position = Math.min(state.frames.length, Math.max(0, state.position + frameCount));
  const clear = position < state.position;
  const atMs = position === 0 ? 0 : (state.frames[position - 1]?.atMs ?? 0);
  return {
    state: { ...state, position, atMs },
    clear,
    frames: state.frames.slice(clear ? 0 : state.position, position),
  };
}

/** The session time on the screen, in milliseconds. */
export function elapsedOf(state: PlayerState): number {
  return state.position === 0 ? 0 : (state.frames[state.position - 1]?.elapsedMs ?? 0);
}

/** 4.2's way with pauses: tiny ones vanish, long ones are cut to a second. */
function clipGap(ms: number): number {
  if (ms < 10) return 0;
  if (ms > 1000) return 1000;
  if (ms > 500) return 500;
  if (ms > 250) return 250;
  return ms;
}

function natural(value: unknown): number | undefined {
  return Number.isSafeInteger(value) && (value as number) >= 0 ? (value as number) : undefined;
}

/** Reads `W:H`. */
function parseSize(value: unknown): Frame["size"] {
  const [, columns, rows] = (typeof value === "string" ? /^(\d{1,5}):(\d{1,5})$/.exec(value) : null) ?? [];
  return columns === undefined || rows === undefined
    ? undefined
    : { columns: Number(columns), rows: Number(rows) };
}
