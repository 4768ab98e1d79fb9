/** Which sessions run on each target of the recording proxy, so that a client of one connection can join those of another. */
import { SessionRegistry } from "../../session/session-registry.js";
import { type ForwardingTarget, targetName } from "./target.js";

/** One connection's part in the sessions of its target. */
export interface TargetRegistry {
  readonly sessions: SessionRegistry;
  /** The connection is gone; its sessions may go on for a while. Call once. */
  readonly release: () => void;
}

interface Entry {
  readonly sessions: SessionRegistry;
  connections: number;
}

/**
 * The sessions by target. Never shared between targets, whose roles and locks may differ. A target is forgotten when it
 * has neither connections nor sessions.
 */
export class TargetRegistries {
  readonly #entries = new Map<string, Entry>();

  /** How many targets have connections or sessions. */
  get size(): number {
    return this.#entries.size;
  }

  /** The sessions of a target, kept until released. */
  of(target: Pick<ForwardingTarget, "address" | "facts">): TargetRegistry {
    const key = targetKey(target);
    const entry = this.#entries.get(key) ?? { sessions: new SessionRegistry(), connections: 0 };
    this.#entries.set(key, entry);
    entry.connections += 1;
    const release = async (): Promise<void> => {
      entry.connections -= 1;
      if (entry.connections > 0) return;
      await entry.sessions.settled();
      if (entry.connections === 0 && this.#entries.get(key) === entry) this.#entries.delete(key);
    };
    return { sessions: entry.sessions, release: () => void release() };
  }

  /** Resolves when no session runs on any target and every end is on record. */
  async idle(): Promise<void> {
    await Promise.all([...this.#entries.values()].map(({ sessions }) => sessions.idle()));
  }
}

/** Roles see the namespace that the client has named, so that is part of where a session is. */
function targetKey(target: Pick<ForwardingTarget, "address" | "facts">): string {
  return `${target.facts.namespace}/${targetName(target)}`;
}
