/** One client's part in a session with a terminal. */
import { randomUUID } from "node:crypto";
import type { Clock } from "../plugin/clock.js";
import type { SshChannel, SshConnection } from "../ssh/contract.js";
import { reportExit } from "./exit-report.js";
import type { JoinMode } from "./join-request.js";
import type { LiveIdentity } from "./live-identity.js";
import type { SessionEvents } from "./session-events.js";
import type { ExitStatus, TerminalSize } from "./session-process.js";
import { type SessionBytes, written } from "./session-streams.js";

/** Who takes part, and how. */
export interface PartyOptions {
  readonly connection: SshConnection;
  readonly channel: SshChannel;
  readonly identity: LiveIdentity;
  readonly mode: JoinMode;
  /** The size of the client's own terminal; undefined for an observer without one. */
  readonly size: TerminalSize | undefined;
}

/** How long the last words to a client may take. */
const TELL_MS = 2_000;
/** The exit status of one who was thrown out. */
const THROWN_OUT = 255;

/** A party of a session. */
export class Party {
  readonly id = randomUUID();
  readonly bytes: SessionBytes = { tx: 0, rx: 0 };
  size: TerminalSize | undefined;
  lastActive: Date;
  /** Lets go of the user's right to be in the session. */
  release: () => void = () => undefined;
  readonly #options: PartyOptions;
  readonly #clock: Clock;
  #last: Promise<void> = Promise.resolve();

  constructor(
    options: PartyOptions,
    readonly events: SessionEvents,
    clock: Clock,
  ) {
    this.#options = options;
    this.#clock = clock;
    this.size = options.size;
    this.lastActive = clock.now();
  }

  get connection(): SshConnection {
    return this.#options.connection;
  }

  get channel(): SshChannel {
    return this.#options.channel;
  }

  get identity(): LiveIdentity {
    return this.#options.identity;
  }

  /** Whether the client types and has a say in the size. */
  get isPeer(): boolean {
    return this.#options.mode === "peer";
  }

  /** Output that the client has not taken yet. */
  get behindBytes(): number {
    return this.channel.writableLength;
  }

  /** Resolves when the client has taken all output so far, or can no longer. Never rejects. */
  get caughtUp(): Promise<void> {
    return this.#last;
  }

  write(chunk: Buffer): void {
    this.bytes.tx += chunk.length;
    this.#last = written(this.channel, chunk).catch(() => undefined);
  }

  /** Writes a line of our own. Resolves when it is sent, or when the client takes too long to read. Never rejects. */
  async tell(line: string): Promise<void> {
    const told = written(this.channel, Buffer.from(`\r\n${line}\r\n`)).catch(() => undefined);
    const stop = new AbortController();
    await Promise.race([told, this.#clock.sleep(TELL_MS, stop.signal).catch(() => undefined)]);
    stop.abort();
  }

  /** Tells how the program has ended, behind all output, and closes the channel. */
  finish(status: ExitStatus): void {
    void this.#last.then(() => {
      reportExit(this.channel, status);
      this.channel.close();
    });
  }

  /** Closes the channel of one who leaves or has to. */
  dismiss(how: "left" | "thrown out"): void {
    this.channel.exitStatus(how === "left" ? 0 : THROWN_OUT);
    this.channel.close();
  }

  /** Closes the channel without waiting for a client that does not read. */
  drop(): void {
    this.channel.destroy();
  }
}
