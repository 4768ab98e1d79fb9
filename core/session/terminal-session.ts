/**
 * A session with a terminal: recorded, shown as live, and shared by all who join it. All parties are equal, whoever
 * started it; it goes on while one of them is there, and for a while after the last one has lost the connection. Output
 * is paced by the party that reads fastest, so that nobody can hold up the others or the recording.
 */
import { accessDenied, errorMessage, notFound } from "../errors/error.js";
import { Bell } from "./bell.js";
import { publishSession, type PublishedSession } from "./live-session.js";
import { notifyParties } from "./party-notices.js";
import { Party, type PartyOptions } from "./party.js";
import { Scrollback } from "./scrollback.js";
import type { Session, SessionClient } from "./session.js";
import type { SessionEvents } from "./session-events.js";
import { type SessionParts, unrecordable } from "./session-parts.js";
import type { ExitStatus, TerminalSize } from "./session-process.js";
import { sameSize, sharedSize } from "./shared-size.js";
import { TerminalInput } from "./terminal-input.js";

/** What a late joiner sees of what was before. */
const SCROLLBACK_BYTES = 64 * 1024;
/** Output that may wait for the fastest party in our memory. */
const UNDER_WAY_BYTES = 256 * 1024;
/** A party that is this far behind, while others read on, is dropped. */
const SLOW_BYTES = 4 * 1024 * 1024;
/** How long a session waits for somebody to come back (4.2's linger). */
const LINGER_MS = 20_000;
const CTRL_C = 0x03;

/** A running session with a terminal. */
export class TerminalSession implements Session {
  readonly id: string;
  readonly interactive = true;
  readonly client: SessionClient;
  readonly done: Promise<void>;
  readonly #parts: SessionParts;
  readonly #login: string;
  readonly #events: SessionEvents;
  readonly #parties = new Set<Party>();
  readonly #participants = new Set<string>();
  readonly #input: TerminalInput;
  readonly #scrollback = new Scrollback(SCROLLBACK_BYTES);
  readonly #live: PublishedSession;
  /** Rings when a party comes or goes, or the session ends. */
  readonly #changed = new Bell();
  #size: TerminalSize;
  #unrecordedSize: TerminalSize | undefined;
  #exited = false;
  #ending = false;
  #hungUp = false;
  #stopLingering: () => void = () => undefined;

  constructor(
    first: PartyOptions & { readonly id: string; readonly size: TerminalSize },
    parts: SessionParts,
    events: SessionEvents,
  ) {
    this.id = first.id;
    this.#parts = parts;
    this.#login = first.connection.user;
    this.#events = events;
    this.#size = first.size;
    this.#input = new TerminalInput(parts.process.stdin);
    this.#live = publishSession(parts.context, {
      sessionId: this.id,
      login: this.#login,
      parties: () => [...this.#parties],
      size: first.size,
    });
    void parts.audit.failed.then(() => this.#terminate(unrecordable(parts)));
    this.client = this.#admit(first, events);
    this.done = this.#run();
  }

  get ending(): boolean {
    return this.#ending;
  }

  /**
   * Lets a client take part. Throws `access_denied` where the login is another one or a lock forbids it, and `not_found`
   * where the session is ending.
   */
  join(options: PartyOptions): SessionClient {
    const { connection, identity } = options;
    if (connection.user !== this.#login) {
      throw accessDenied(
        `can't switch users from ${this.#login} to ${connection.user} for session ${this.id}`,
      );
    }
    identity.requireSession(this.id);
    if (this.#ending) throw notFound(`session '${this.id}' not found or it has ended`);
    const events = this.#events.of({
      user: identity.user,
      login: connection.user,
      remoteAddress: connection.remoteAddress,
      localAddress: connection.localAddress,
    });
    const { audit, context } = this.#parts;
    const recent = this.#scrollback.read();
    audit.append(() => events.join());
    const client = this.#admit(options, events, recent);
    notifyParties(this.#parties, events.join(), context.clock.now());
    context.log.info("a user has joined a session", {
      sid: this.id,
      user: identity.user,
      mode: options.mode,
    });
    return client;
  }

  #admit(options: PartyOptions, events: SessionEvents, recent?: Buffer): SessionClient {
    const { clock } = this.#parts.context;
    const party = new Party(options, events, clock);
    this.#stopLingering();
    this.#parties.add(party);
    this.#participants.add(party.identity.user);
    party.channel.extended.resume();
    if (recent !== undefined && recent.length > 0) party.write(recent);
    this.#readInput(party);
    void party.channel.whenClosed.then(() => this.#leave(party));
    party.release = party.identity.holdSession(this.id, (reason) => this.#throwOut(party, reason));
    this.#fitSize(party);
    this.#changed.ring();
    return {
      resize: (size) => {
        party.size = size;
        this.#fitSize(party);
      },
      signal: (name) => {
        if (party.isPeer) this.#parts.process.kill(name);
        return party.isPeer;
      },
    };
  }

  #readInput(party: Party): void {
    if (!party.isPeer) {
      party.channel.on("data", (data: Buffer) => {
        if (data.includes(CTRL_C)) party.dismiss();
      });
      return;
    }
    this.#input.attach(party.channel, ({ length }) => {
      party.bytes.rx += length;
      party.lastActive = this.#parts.context.clock.now();
      return this.#parties.has(party);
    });
  }

  /** Ends one party's part, telling the reason; the others stay. */
  async #throwOut(party: Party, reason: string): Promise<void> {
    if (!this.#parties.has(party)) {
      // The last one to leave answers for the session while it waits for somebody.
      if (this.#parties.size === 0) this.#hangUp();
      return;
    }
    const told = party.throwOut(reason);
    this.#leave(party, true);
    await told;
  }

  #leave(party: Party, thrownOut = false): void {
    if (!this.#parties.delete(party)) return;
    this.#changed.ring();
    this.#tellLeave(party);
    if (this.#parties.size === 0 && !thrownOut && !this.#ending) {
      this.#linger(party);
      return;
    }
    party.release();
    if (this.#parties.size > 0) this.#fitSize(party);
    else this.#hangUp();
  }

  #tellLeave({ events, bytes }: Party): void {
    const { audit, context } = this.#parts;
    audit.emit(events.data(true, bytes));
    audit.append(() => events.leave());
    notifyParties(this.#parties, events.leave(), context.clock.now());
  }

  /** Waits for somebody to come back. The last party's right to the session is watched on. */
  #linger(last: Party): void {
    const { context, process } = this.#parts;
    const stop = new AbortController();
    this.#stopLingering = () => {
      this.#stopLingering = () => undefined;
      stop.abort();
      last.release();
    };
    void process.exited.then(() => this.#stopLingering());
    const { closing } = context.sessions;
    const over = (): void => {
      if (this.#parties.size === 0) this.#hangUp();
    };
    context.clock.sleep(LINGER_MS, AbortSignal.any([stop.signal, closing])).then(over, () => {
      if (closing.aborted) over();
    });
  }

  /** The size follows the smallest terminal of all peers; it stays as it is while there is none. */
  #fitSize(by: Party): void {
    const peers = [...this.#parties].filter(({ isPeer }) => isPeer);
    const size = sharedSize(peers.flatMap((peer) => peer.size ?? []));
    const changed = size !== undefined && !sameSize(size, this.#size);
    if (changed) {
      this.#size = size;
      this.#parts.process.resize?.(size);
      this.#live.resize(size);
      this.#recordSize(size, by);
    }
    // Whoever asked for just this size knows it; one who asked for another has to be told.
    const told = [...(changed ? this.#parties : [by])].filter(
      (party) => party !== by || !sameSize(party.size, this.#size),
    );
    notifyParties(told, by.events.resize(this.#size), this.#parts.context.clock.now());
  }

  /** Dragging a window sends sizes faster than they can be put on record: the last one that waits is enough. */
  #recordSize(size: TerminalSize, by: Party): void {
    const waits = this.#unrecordedSize !== undefined;
    this.#unrecordedSize = size;
    if (waits) return;
    this.#parts.audit.append(() => {
      const latest = this.#unrecordedSize ?? size;
      this.#unrecordedSize = undefined;
      return by.events.resize(latest);
    });
  }

  /** Ends the session for everybody. */
  #terminate(reason: string): void {
    if (this.#ending) return;
    for (const party of this.#parties) party.tell(reason);
    this.#hangUp();
  }

  #hangUp(): void {
    this.#ending = true;
    this.#input.close();
    this.#hungUp = true;
    this.#parts.process.hangUp();
    this.#changed.ring();
  }

  async #run(): Promise<void> {
    const { process, context } = this.#parts;
    // The reply to the request that started all this goes out first.
    await new Promise((resolve) => setImmediate(resolve));
    const copied = this.#copyOutput().catch((error: unknown) => {
      context.log.debug("a session's output was cut off", { sid: this.id, error: errorMessage(error) });
    });
    const status = await process.exited;
    this.#exited = true;
    this.#changed.ring();
    await copied;
    this.#ending = true;
    this.#input.close();
    await this.#finish(status);
  }

  async #copyOutput(): Promise<void> {
    const { process, audit } = this.#parts;
    for await (const chunk of process.stdout as AsyncIterable<Buffer>) {
      await audit.print(chunk);
      this.#scrollback.add(chunk);
      for (const party of this.#parties) this.#show(party, chunk);
      while (!this.#hungUp && this.#mustWait()) {
        await Promise.race([this.#changed.next(), ...[...this.#parties].map(({ caughtUp }) => caughtUp)]);
      }
    }
  }

  #show(party: Party, chunk: Buffer): void {
    party.write(chunk);
    if (this.#parties.size === 1 || party.behindBytes <= SLOW_BYTES) return;
    this.#parts.context.log.warn("a party of a session reads too slowly and is dropped", {
      sid: this.id,
      user: party.identity.user,
    });
    party.drop();
    this.#leave(party);
  }

  /** A program whose output nobody takes waits; what it leaves behind is recorded to the end. */
  #mustWait(): boolean {
    if (this.#parties.size === 0) return !this.#exited;
    return [...this.#parties].every(({ behindBytes }) => behindBytes >= UNDER_WAY_BYTES);
  }

  async #finish(status: ExitStatus): Promise<void> {
    const { audit, context, program } = this.#parts;
    const told = this.#events.program(program, status);
    if (told !== undefined) audit.emit(told);
    for (const party of [...this.#parties]) {
      this.#parties.delete(party);
      party.finish(status);
      party.release();
      this.#tellLeave(party);
    }
    this.#stopLingering();
    audit.append(() => this.#events.end({ interactive: true, participants: [...this.#participants] }));
    await audit.close();
    await context.openSessions.remove(this.id);
    await this.#live.remove();
  }
}
