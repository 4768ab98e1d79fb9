/** Plays a recording on the terminal: core/recording/player.ts says when, this file does it. */
import type { Clock } from "../../../plugin/clock.js";
import type { SessionFrame } from "../../../resources/timeline.js";
import {
  advance,
  moveTo,
  setSpeed,
  startPlayer,
  step,
  togglePause,
  untilDue,
  type PlayerState,
} from "../../../recording/player.js";
import { PlayFrames } from "./frames.js";
import { isTenth, type KeySource, type PlayKey } from "./keys.js";
import { PlayScreen, type PlayTerminal } from "./screen.js";
import type { RecordingSource } from "./source.js";
import { SessionOutput } from "../session-output.js";

/** A part of a recording. */
export interface PlayRange {
  /** Session time to begin at; without it, the beginning. */
  readonly fromMs?: number | undefined;
  /** Session time to end at; without it, the end. */
  readonly toMs?: number | undefined;
}

/** A recording and what it is played with. */
export interface Playing extends PlayRange, Pick<PlayerState, "pauses" | "speed"> {
  readonly source: RecordingSource;
  readonly terminal: PlayTerminal;
  readonly keys: KeySource;
  readonly clock: Clock;
}

const BACK_FRAMES = 1;
const FORWARD_FRAMES = 2;
const MINUTE_MS = 60_000;
const SPEED_STEP = 2;
/** Frames that are due are shown at once, but keys are looked for after so many. */
const BURST_FRAMES = 64;

/** Plays to the end, or until the user stops it. */
export async function playSession(playing: Playing): Promise<void> {
  await new SessionPlayer(playing).play();
}

class SessionPlayer {
  readonly #playing: Playing;
  readonly #frames: PlayFrames;
  readonly #screen: PlayScreen;
  #state: PlayerState;

  constructor(playing: Playing) {
    this.#playing = playing;
    this.#frames = new PlayFrames(playing.source);
    this.#screen = new PlayScreen(playing.terminal, new SessionOutput(playing.source));
    this.#state = startPlayer(playing);
  }

  async play(): Promise<void> {
    const { clock, fromMs } = this.#playing;
    try {
      if (fromMs !== undefined) await this.#jumpToTime(fromMs);
      let lastMs = clock.now().getTime();
      for (;;) {
        const next = await this.#next();
        if (next === undefined && !this.#state.paused) return;
        const key = await this.#keyOrDue(next);
        const nowMs = clock.now().getTime();
        this.#state = advance(this.#state, nowMs - lastMs);
        lastMs = nowMs;
        if (key === "stop") return;
        if (key !== undefined) await this.#press(key);
        else await this.#showDue();
      }
    } finally {
      await this.#screen.leave();
    }
  }

  async #next(): Promise<SessionFrame | undefined> {
    const next = await this.#frames.at(this.#state.position);
    return next === undefined || next.elapsedMs > (this.#playing.toMs ?? Infinity) ? undefined : next;
  }

  async #showDue(): Promise<void> {
    for (let i = 0; i < BURST_FRAMES; i++) {
      const next = await this.#next();
      if (next === undefined || this.#state.paused || untilDue(this.#state, next.elapsedMs) > 0) break;
      await this.#show(next);
    }
    await this.#screen.showClock(this.#state.elapsedMs);
  }

  async #show({ elapsedMs, offset, bytes, size }: SessionFrame): Promise<void> {
    if (size !== undefined) await this.#screen.resize(size);
    await this.#screen.show(offset, bytes);
    this.#state = step(this.#state, elapsedMs);
  }

  async #press(key: Exclude<PlayKey, "stop">): Promise<void> {
    if (isTenth(key)) {
      return this.#jumpToTime(Math.floor(((await this.#frames.extent()).durationMs * Number(key)) / 10));
    }
    const { position, elapsedMs, speed } = this.#state;
    switch (key) {
      case "pause":
        this.#state = togglePause(this.#state);
        return;
      case "faster":
        this.#state = setSpeed(this.#state, speed * SPEED_STEP);
        return;
      case "slower":
        this.#state = setSpeed(this.#state, speed / SPEED_STEP);
        return;
      case "back":
        return this.#jump(Math.max(0, position - BACK_FRAMES));
      case "forward":
        return this.#showNext(FORWARD_FRAMES);
      case "minute-back":
        return this.#jumpToTime(Math.max(0, elapsedMs - MINUTE_MS));
      case "minute-forward":
        return this.#jumpToTime(elapsedMs + MINUTE_MS);
      case "home":
        return this.#jump(0);
      case "end":
        // Paused, so that the last screen can be looked at and left again.
        this.#state = { ...this.#state, paused: true };
        return this.#jump((await this.#frames.extent()).frameCount);
    }
  }

  async #showNext(count: number): Promise<void> {
    for (let i = 0; i < count; i++) {
      const next = await this.#next();
      if (next !== undefined) await this.#show(next);
    }
    this.#state = moveTo(this.#state, this.#state.position, this.#state.elapsedMs);
    await this.#screen.showClock(this.#state.elapsedMs);
  }

  async #jumpToTime(elapsedMs: number): Promise<void> {
    await this.#jump(elapsedMs === 0 ? 0 : await this.#frames.after(elapsedMs));
  }

  async #jump(index: number): Promise<void> {
    const screen = await this.#playing.source.screen(index);
    await this.#screen.paint(screen);
    this.#state = moveTo(this.#state, index, screen.elapsedMs);
    await this.#screen.showClock(screen.elapsedMs);
  }

  /** Waits for a key, but no longer than until the frame is due. */
  async #keyOrDue(next: SessionFrame | undefined): Promise<PlayKey | undefined> {
    const { keys, clock } = this.#playing;
    const stop = new AbortController();
    const isWaiting = next !== undefined && !this.#state.paused;
    const due = isWaiting
      ? [clock.sleep(untilDue(this.#state, next.elapsedMs), stop.signal).catch(() => undefined)]
      : [];
    try {
      return (await Promise.race([keys.next(stop.signal), ...due])) ?? undefined;
    } finally {
      stop.abort();
    }
  }
}
