import { hasCode } from "../../errors/error.js";
import type { Clock } from "../../plugin/clock.js";
import type { AuthServers } from "./auth-servers.js";
import type { SecureDialer } from "./secure-dialer.js";

/** Silence after which a server with a request of ours is looked at. */
const SILENCE_MS = 500;
/** For a handshake, which a server that is alive answers in milliseconds. */
const PATIENCE_MS = 1_500;
/** How long a sign of life counts. */
const FRESH_MS = 1_000;

/** Tells servers that are slow from servers that are gone: a stopped process keeps its connections and says nothing. */
export class ServerWatch {
  readonly #heard = new Map<string, number>();
  readonly #looks = new Map<string, Promise<boolean>>();

  constructor(
    private readonly options: {
      readonly servers: AuthServers;
      readonly dialer: SecureDialer;
      readonly clock: Clock;
    },
  ) {}

  /** The server has said something. */
  heard(server: string): void {
    this.#heard.set(server, this.#nowMs);
  }

  /** Whether the server has shown life just now. */
  isFresh(server: string | undefined): boolean {
    return server !== undefined && this.#nowMs - (this.#heard.get(server) ?? -Infinity) < FRESH_MS;
  }

  /**
   * Looks at a server for as long as it owes an answer, which the signal ends. One that does not even take a new
   * connection is lost. Does nothing where there is no other server to turn to.
   */
  async follow(server: string, signal: AbortSignal): Promise<void> {
    const { servers, clock } = this.options;
    while (servers.hasOthers && !signal.aborted) {
      await clock.sleep(SILENCE_MS, signal).catch(() => undefined);
      if (signal.aborted || this.isFresh(server)) continue;
      if (!(await this.#look(server)) && !signal.aborted) servers.lost(server);
    }
  }

  /** Whether the server takes a connection; one look at a time serves all. */
  #look(server: string): Promise<boolean> {
    const running = this.#looks.get(server);
    if (running !== undefined) return running;
    const look = this.#takesConnection(server).finally(() => this.#looks.delete(server));
    this.#looks.set(server, look);
    return look;
  }

  async #takesConnection(server: string): Promise<boolean> {
    const { dialer, clock } = this.options;
    const done = new AbortController();
    const late = clock.sleep(PATIENCE_MS, done.signal).then(
      () => false,
      () => false,
    );
    const taken = dialer("http/1.1", server).then(
      ({ socket }) => {
        socket.destroy();
        this.heard(server);
        return true;
      },
      // A refusal is a sign of life too.
      (error: unknown) => !hasCode(error, "unavailable"),
    );
    try {
      return await Promise.race([taken, late]);
    } finally {
      done.abort(new Error("looked"));
    }
  }

  get #nowMs(): number {
    return this.options.clock.now().getTime();
  }
}
