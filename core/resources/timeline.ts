/** The shape of a recording as players see it: when its output came, and how to paint a screen of its middle. */

/** A terminal's size in characters. */
export interface RecordedSize {
  readonly columns: number;
  readonly rows: number;
}

/** One moment of a recording: output that came, or a new size of the terminal. */
export interface SessionFrame {
  /** Milliseconds since the session's first output. Never less than those of the frame before. */
  readonly elapsedMs: number;
  /** A range of the session's output; of no bytes where only the size changed. */
  readonly offset: number;
  readonly bytes: number;
  /** The terminal's size from here on. */
  readonly size?: RecordedSize | undefined;
}

/** Where a window of frames begins: at a frame, or after the last one that is not later than a time. */
export type TimelineStart = { readonly index: number } | { readonly elapsedMs: number };

/** A window of a recording's frames. */
export interface SessionTimeline {
  /** `elapsedMs` of the last frame. */
  readonly durationMs: number;
  readonly frameCount: number;
  /** The index of the first frame of `frames`. */
  readonly index: number;
  readonly frames: readonly SessionFrame[];
}

/** A range of output, and what must be written before it so that it shows what it showed then. */
export interface ScreenPart {
  /** Escape sequences that set the modes which the output before the range had left. */
  readonly modes: string;
  readonly offset: number;
  readonly bytes: number;
}

/** How to paint the screen as it was before a frame, on a terminal that has been reset. */
export interface SessionScreen {
  /** `elapsedMs` of the frame before. */
  readonly elapsedMs: number;
  readonly size?: RecordedSize | undefined;
  readonly parts: readonly ScreenPart[];
}
