/** The pace of a playback as pure functions: when the next frame is due. `tsh play` does the I/O. */

/** How pauses of a session are shortened. */
export type Pauses = { readonly kind: "as-4.2" } | { readonly kind: "at-most"; readonly limitMs: number };

/** Where a playback is. Never changed; each command returns a new one. */
export interface PlayerState {
  /** The index of the next frame. */
  readonly position: number;
  /** Session time of the last frame that was shown. */
  readonly elapsedMs: number;
  /** How much of the pause before the next frame has passed, in playback time. */
  readonly waitedMs: number;
  readonly paused: boolean;
  /** 1 is real time; from {@link MIN_SPEED} to {@link MAX_SPEED}. */
  readonly speed: number;
  readonly pauses: Pauses;
}

/** The slowest speed. */
export const MIN_SPEED = 0.25;
/** The fastest speed. */
export const MAX_SPEED = 8;

/** A player before its first frame. */
export function startPlayer({ pauses, speed }: Pick<PlayerState, "pauses" | "speed">): PlayerState {
  return { position: 0, elapsedMs: 0, waitedMs: 0, paused: false, speed, pauses };
}

/** Lets wall-clock time pass. */
export function advance(state: PlayerState, wallMs: number): PlayerState {
  return state.paused ? state : { ...state, waitedMs: state.waitedMs + wallMs * state.speed };
}

/** Wall-clock milliseconds until a frame of this session time is due, 0 where it is. */
export function untilDue(state: PlayerState, elapsedMs: number): number {
  return Math.max(0, (pauseBefore(state, elapsedMs) - state.waitedMs) / state.speed);
}

/** Goes on to the next frame; time that was waited too long counts for the one after. */
export function step(state: PlayerState, elapsedMs: number): PlayerState {
  const waitedMs = Math.max(0, state.waitedMs - pauseBefore(state, elapsedMs));
  return { ...state, position: state.position + 1, elapsedMs, waitedMs };
}

/** Goes to another place. */
export function moveTo(state: PlayerState, position: number, elapsedMs: number): PlayerState {
  return { ...state, position, elapsedMs, waitedMs: 0 };
}

/** Pauses, or goes on. */
export function togglePause(state: PlayerState): PlayerState {
  return { ...state, paused: !state.paused };
}

/** Changes the speed, kept within bounds. */
export function setSpeed(state: PlayerState, speed: number): PlayerState {
  return { ...state, speed: Math.min(MAX_SPEED, Math.max(MIN_SPEED, speed)) };
}

/** The length of a pause of the session as it is played at normal speed. */
export function shortenPause(pauses: Pauses, ms: number): number {
  if (pauses.kind === "at-most") return Math.min(ms, pauses.limitMs);
  // 4.2's way: tiny pauses vanish, long ones are cut to a second.
  if (ms < 10) return 0;
  if (ms > 1000) return 1000;
  if (ms > 500) return 500;
  if (ms > 250) return 250;
  return ms;
}

function pauseBefore({ pauses, elapsedMs }: PlayerState, nextMs: number): number {
  return shortenPause(pauses, Math.max(0, nextMs - elapsedMs));
}
