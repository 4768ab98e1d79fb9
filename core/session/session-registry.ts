import { accessDenied } from "../errors/error.js";

/** The sessions of one node, so that ids stay unique and a closing node can wait for their last events. */
export class SessionRegistry {
  readonly #ids = new Set<string>();
  readonly #running = new Set<Promise<void>>();

  /** Takes an id that a client has chosen. Throws `access_denied` where it is in use; joining it is not offered. */
  reserve(id: string): () => void {
    if (this.#ids.has(id)) {
      throw accessDenied(`session ${id} is running already, and this node does not let others join it`);
    }
    this.#ids.add(id);
    return () => void this.#ids.delete(id);
  }

  /** Keeps count of a session until it is done. The promise must not reject. */
  track(done: Promise<void>): void {
    this.#running.add(done);
    void done.then(() => this.#running.delete(done));
  }

  /** Resolves when no session runs and every end is on record. */
  async idle(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running);
  }
}
