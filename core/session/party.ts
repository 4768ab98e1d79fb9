/** One client's part in a session with a terminal. */
import { randomUUID } from "node:crypto";
import type { Clock } from "../plugin/clock.js";
import type { SshChannel, SshConnection } from "../ssh/contract.js";
import { reportExit } from "./exit-report.js";
import type { JoinMode } from "./join-request.js";
import { lastLine, patiently } from "./last-words.js";
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

  /** Tells why the session ends, behind all output so far. */
  tell(reason: string): void {
    this.#last = written(this.channel, lastLine(reason)).catch(() => undefined);
  }

  /** Tells how the program has ended, behind all output, and closes the channel. */
  finish(status: ExitStatus): void {
    void this.#last.then(() => {
      reportExit(this.channel, status);
      this.channel.close();
    });
  }

  /** Lets one go who has asked for it. */
  dismiss(): void {
    this.channel.exitStatus(0);
    this.channel.close();
  }

  /** Ends the client's part, telling why. Resolves when the client has read it; one who does not read is cut off. */
  async throwOut(reason: string): Promise<void> {
    this.tell(reason);
    this.finish({ code: THROWN_OUT });
    await patiently(this.#clock, this.channel.whenClosed);
    this.drop();
  }

  /** Closes the channel without waiting for a client that does not read. */
  drop(): void {
    this.channel.destroy();
  }
}
