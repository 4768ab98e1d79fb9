import type { StorageEvent } from "../../storage.js";
import type { KeyState, Step } from "./history.js";
import { text } from "./trial.js";

/** An event that tells of a change. */
export type ChangeEvent = Extract<StorageEvent, { type: "put" | "delete" }>;

/** The key that an event is about. */
export function eventKey(event: ChangeEvent): string {
  return event.type === "put" ? event.item.key : event.key;
}

/** Checks whether events are the acknowledged writes of a history. */
export class WatchHistory {
  /** The acknowledged writes of each key by what tells them apart: the revision written, or the one removed. */
  readonly #writes = new Map<string, Map<string, Step>>();

  /**
   * `steps` are those of the successful writes only; deletes must have named the revision that they removed.
   * `isExpiry` compares an expiry with the one written, in unix milliseconds.
   */
  constructor(
    steps: readonly Step[],
    private readonly isExpiry: (read: Date | undefined, writtenMs: number | undefined) => boolean,
  ) {
    for (const step of steps) {
      const writes = this.#writes.get(step.key) ?? new Map<string, Step>();
      writes.set(step.wrote === undefined ? `delete ${step.removed ?? ""}` : `put ${step.wrote}`, step);
      this.#writes.set(step.key, writes);
    }
  }

  /** How many changes there were. */
  get size(): number {
    return [...this.#writes.values()].reduce((sum, writes) => sum + writes.size, 0);
  }

  /** Undefined where the events are exactly the writes, each key's in a possible order; else what is wrong. */
  problemOf(events: readonly ChangeEvent[]): string | undefined {
    for (const key of new Set([...this.#writes.keys(), ...events.map(eventKey)])) {
      const problem = this.#problemOfKey(
        key,
        events.filter((event) => eventKey(event) === key),
      );
      if (problem !== undefined) {
        return `${key}: ${problem}`;
      }
    }
    return undefined;
  }

  #problemOfKey(key: string, events: readonly ChangeEvent[]): string | undefined {
    const left = new Map(this.#writes.get(key));
    let state: KeyState | undefined;
    let latestCall = 0;
    for (const [n, event] of events.entries()) {
      const name = event.type === "put" ? `put ${event.item.revision}` : `delete ${state?.revision ?? ""}`;
      const step = left.get(name);
      if (!step) {
        const made = this.#writes.get(key)?.has(name);
        return `event ${n + 1}, ${name}, ${made ? "came twice" : "is of a write that nobody was told of"}`;
      }
      left.delete(name);
      if (step.answered < latestCall) {
        return `event ${n + 1}, ${name}, came after one whose write was called later than this one was answered`;
      }
      latestCall = Math.max(latestCall, step.called);
      const after = step.after(state);
      if (after === "impossible") {
        return `event ${n + 1}, ${step.label}, cannot follow revision ${state?.revision ?? "(none)"}: one is missing or the order is wrong`;
      }
      if (event.type === "put" && !this.#shows(event, after)) {
        return `event ${n + 1}, ${step.label}, shows another value or expiry than was written`;
      }
      state = after;
    }
    const [missing] = left.values();
    return missing && `${left.size} writes have no event, among them ${missing.label}`;
  }

  #shows({ item }: Extract<StorageEvent, { type: "put" }>, state: KeyState | undefined): boolean {
    return (
      state !== undefined && text(item.value) === state.value && this.isExpiry(item.expires, state.expiresMs)
    );
  }
}
