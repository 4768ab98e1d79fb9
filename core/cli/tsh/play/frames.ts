import type { SessionFrame, SessionTimeline, TimelineStart } from "../../../resources/timeline.js";
import type { RecordingSource } from "./source.js";

const WINDOW_FRAMES = 1000;

/** The frames of a recording, fetched window by window: there can be millions. */
export class PlayFrames {
  readonly #source: Pick<RecordingSource, "timeline">;
  #window: SessionTimeline | undefined;

  constructor(source: Pick<RecordingSource, "timeline">) {
    this.#source = source;
  }

  /** The frame at an index; undefined past the end. */
  async at(index: number): Promise<SessionFrame | undefined> {
    const held = this.#window?.frames[index - this.#window.index];
    if (held !== undefined || (this.#window !== undefined && index >= this.#window.frameCount)) return held;
    return (await this.#fetch({ index })).frames[0];
  }

  /** The index of the first frame later than this session time. */
  async after(elapsedMs: number): Promise<number> {
    return (await this.#fetch({ elapsedMs })).index;
  }

  /** How long the session is and how many frames it has. */
  async extent(): Promise<Pick<SessionTimeline, "durationMs" | "frameCount">> {
    return this.#window ?? this.#fetch({ index: 0 });
  }

  /** Yields the frames from an index on, up to a session time. */
  async *range(index: number, toMs = Infinity): AsyncGenerator<SessionFrame, void, void> {
    for (let next = index; ; next++) {
      const frame = await this.at(next);
      if (frame === undefined || frame.elapsedMs > toMs) return;
      yield frame;
    }
  }

  async #fetch(start: TimelineStart): Promise<SessionTimeline> {
    this.#window = await this.#source.timeline(start, WINDOW_FRAMES);
    return this.#window;
  }
}
