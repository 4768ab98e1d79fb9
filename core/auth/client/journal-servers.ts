/** More sessions than one host records at a time; the one known longest is forgotten first. */
const MAX_KNOWN = 10_000;

/** Which auth server has the recording under way of which session: another one would refuse what follows. */
export class JournalServers {
  readonly #known = new Map<string, string>();

  of(sessionId: string): string | undefined {
    return this.#known.get(sessionId);
  }

  /** Notes who has taken a part of the recording. */
  took(sessionId: string, server: string | undefined): void {
    if (server === undefined || this.#known.has(sessionId)) return;
    this.#known.set(sessionId, server);
    if (this.#known.size <= MAX_KNOWN) return;
    const [oldest] = this.#known.keys();
    this.#known.delete(oldest ?? "");
  }

  /** The recording is complete. */
  done(sessionId: string): void {
    this.#known.delete(sessionId);
  }
}
