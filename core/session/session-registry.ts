import { accessDenied } from "../errors/error.js";
import type { Session } from "./session.js";

/** The sessions of one server, so that ids stay unique, sessions can be joined and a closing server can wait for them. */
export class SessionRegistry {
  readonly #open = new Map<string, Promise<Session>>();
  readonly #running = new Set<Session>();
  readonly #closing = new AbortController();

  /** Aborted when the server takes no more clients, so that nothing waits for one. */
  get closing(): AbortSignal {
    return this.#closing.signal;
  }

  /** Starts a session, whose id is taken from now until all of it is on record. Throws `access_denied` where it is. */
  async open<S extends Session>(id: string, start: () => Promise<S>): Promise<S> {
    if (this.#open.has(id)) throw accessDenied(`session ${id} is running already`);
    const starting = start();
    this.#open.set(id, starting);
    void this.#follow(id, starting);
    return starting;
  }

  /**
   * The session with an id, once it has started; undefined where there is none, also where one is just ending: then it
   * has ended when this resolves. Throws what the start of the session throws.
   */
  async running(id: string): Promise<Session | undefined> {
    const session = await this.#open.get(id);
    if (session?.ending !== true) return session;
    await session.done;
    return undefined;
  }

  /** How many sessions with a terminal run. */
  get interactive(): number {
    return [...this.#running].filter(({ interactive }) => interactive).length;
  }

  async #follow(id: string, starting: Promise<Session>): Promise<void> {
    const session = await starting.catch(() => undefined);
    if (session !== undefined) {
      this.#running.add(session);
      await session.done;
      this.#running.delete(session);
    }
    this.#open.delete(id);
  }

  /** Resolves when no session runs and every end is on record. */
  async idle(): Promise<void> {
    this.#closing.abort();
    while (this.#open.size > 0) {
      await Promise.allSettled([...this.#open.values()].map(async (session) => (await session).done));
      await new Promise((resolve) => setImmediate(resolve));
    }
  }
}
