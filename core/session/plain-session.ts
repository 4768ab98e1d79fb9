/** A session without a terminal: one client, three streams, as fast as they go. */
import type { SshChannel } from "../ssh/contract.js";
import { reportExit } from "./exit-report.js";
import { lastLine, patiently } from "./last-words.js";
import { type SessionParts, unrecordable } from "./session-parts.js";
import type { Session, SessionClient, SessionOptions } from "./session.js";
import type { SessionEvents } from "./session-events.js";
import { connectStreams, type SessionBytes } from "./session-streams.js";
import { SftpAudit } from "./sftp-audit.js";

/** A running session without a terminal. */
export class PlainSession implements Session, SessionClient {
  readonly id: string;
  readonly interactive = false;
  readonly done: Promise<void>;
  readonly #channel: SshChannel;
  readonly #parts: SessionParts;
  readonly #events: SessionEvents;
  readonly #user: string;
  readonly #bytes: SessionBytes = { tx: 0, rx: 0 };
  #ending = false;

  constructor({ id, channel, identity }: SessionOptions, parts: SessionParts, events: SessionEvents) {
    this.id = id;
    this.#channel = channel;
    this.#parts = parts;
    this.#events = events;
    this.#user = identity.user;
    void channel.whenClosed.then(() => parts.process.hangUp());
    void parts.audit.failed.then(() => this.#terminate(unrecordable(parts)));
    const release = identity.holdSession(id, (reason) => this.#terminate(reason));
    this.done = this.#run().finally(release);
  }

  get client(): SessionClient {
    return this;
  }

  get ending(): boolean {
    return this.#ending;
  }

  resize(): void {
    // There is no terminal whose size could follow.
  }

  signal(name: NodeJS.Signals): boolean {
    this.#parts.process.kill(name);
    return true;
  }

  async #terminate(reason: string): Promise<void> {
    if (this.#ending) return;
    this.#ending = true;
    const { context, process } = this.#parts;
    // The line is under way before the channel closes behind the program.
    this.#channel.writeExtended(lastLine(reason)).catch(() => undefined);
    process.hangUp();
    await patiently(context.clock, this.#channel.whenClosed);
  }

  async #run(): Promise<void> {
    const { context, process, audit, program } = this.#parts;
    const tap = this.#listener();
    // The reply to the request that started all this goes out first.
    await new Promise((resolve) => setImmediate(resolve));
    const [status] = await Promise.all([
      process.exited,
      connectStreams({ channel: this.#channel, process, bytes: this.#bytes, tap, log: context.log }),
    ]);
    await tap?.end().catch(() => undefined);
    this.#ending = true;
    reportExit(this.#channel, status);
    this.#channel.close();
    const told = this.#events.program(program, status);
    if (told !== undefined) audit.emit(told);
    audit.emit(this.#events.data(false, this.#bytes));
    audit.append(() => this.#events.end({ interactive: false, participants: [this.#user] }));
    await audit.close();
    await context.openSessions.remove(this.id);
  }

  /** Of subsystems there is only sftp. */
  #listener(): SftpAudit | undefined {
    const { audit, program } = this.#parts;
    if (program.kind !== "subsystem") return undefined;
    return new SftpAudit({
      facts: this.#events.sftp(),
      emit: (event) => audit.require(event),
      unreadable: (reason) => void this.#terminate(`what it does to files cannot be audited: ${reason}`),
    });
  }
}
