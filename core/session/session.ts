/**
 * One session: a program on a channel, from its first audit event to its last. Nothing is started before the start is
 * on record, and a session whose record cannot be kept ends, saying so on the user's terminal.
 */
import { randomUUID } from "node:crypto";
import { errorMessage, hasCode, unavailable } from "../errors/error.js";
import { createRecorder, type Recorder } from "../recording/recorder.js";
import type { SshChannel, SshConnection } from "../ssh/contract.js";
import { reportExit } from "./exit-report.js";
import { publishSession, type PublishedSession } from "./live-session.js";
import type { Program } from "./program.js";
import { recordingDirectory } from "./recording-directory.js";
import { openSessionAudit, type SessionAudit } from "./session-audit.js";
import type { SessionContext } from "./session-context.js";
import { SessionEvents } from "./session-events.js";
import type { StartProgram } from "./session-host.js";
import type { SessionProcess, TerminalSize } from "./session-process.js";
import type { PtyRequest } from "./session-requests.js";
import { connectStreams, type SessionBytes, written } from "./session-streams.js";

/** What a session is made of. */
export interface SessionOptions {
  readonly context: SessionContext;
  readonly connection: SshConnection;
  readonly channel: SshChannel;
  /** The cluster user. */
  readonly user: string;
  readonly program: Program;
  /** Makes the session interactive: it has a terminal, a live record and a recording. */
  readonly pty: PtyRequest | undefined;
  /** Starts the program, which has been made ready. */
  readonly start: StartProgram;
  /** The id that the client chose for an interactive session. */
  readonly requestedId: string | undefined;
}

/** A running session. */
export interface Session {
  readonly id: string;
  resize(size: TerminalSize): void;
  signal(name: NodeJS.Signals): void;
  /** Ends the session with a line for the user. */
  terminate(reason: string): void;
  /** Resolves when the program has ended and all is on record. Never rejects. */
  readonly done: Promise<void>;
}

/**
 * Starts a session. Throws `unavailable` where it cannot be audited, recorded or started, and `access_denied` where the
 * id that the client chose has been used; the channel stays open.
 */
export async function startSession(options: SessionOptions): Promise<Session> {
  const { context, connection, pty } = options;
  const id = options.requestedId ?? randomUUID();
  const recorder = pty === undefined ? undefined : await openRecorder(context, id);
  const audit = openSessionAudit({ context, sessionId: id, recorder });
  const events = new SessionEvents({
    sessionId: id,
    namespace: context.namespace,
    serverId: context.serverId,
    user: options.user,
    login: connection.user,
    remoteAddress: connection.remoteAddress,
    localAddress: connection.localAddress,
  });
  try {
    // In one go, since both wait for a disk. A recorded session is recovered from its recording.
    await Promise.all([
      recorder === undefined && context.openSessions.add(id, events.end(pty !== undefined, true)),
      audit.start(
        events.start({
          hostname: context.hostname,
          labels: context.labels(),
          size: pty?.size,
          program: options.program,
        }),
      ),
    ]);
  } catch (error) {
    await audit.close();
    await context.openSessions.remove(id);
    if (hasCode(error, "access_denied")) throw error;
    throw unavailable(`this session cannot be audited; the ${context.service}'s log says why`, {
      cause: error,
    });
  }
  try {
    const process = await options.start(id);
    return new RunningSession(options, id, process, audit, events);
  } catch (error) {
    audit.append(() => events.end(pty !== undefined));
    void audit.close().then(() => context.openSessions.remove(id));
    throw error;
  }
}

async function openRecorder(context: SessionContext, sessionId: string): Promise<Recorder | undefined> {
  if (!context.records()) return undefined;
  try {
    return await createRecorder({
      directory: recordingDirectory(context.dataDir),
      sessionId,
      namespace: context.namespace,
      serverId: context.serverId,
      clock: context.clock,
      log: context.log,
    });
  } catch (error) {
    // An id that is taken is the client's fault, and must not be a way around the recording.
    if (hasCode(error, "access_denied")) throw error;
    if (context.auditPolicy === "best_effort") {
      context.log.warn("a session is not recorded", { sid: sessionId, error: errorMessage(error) });
      return undefined;
    }
    throw unavailable(`this session cannot be recorded; the ${context.service}'s log says why`, {
      cause: error,
    });
  }
}

class RunningSession implements Session {
  readonly done: Promise<void>;
  readonly #bytes: SessionBytes = { tx: 0, rx: 0 };
  readonly #live: PublishedSession | undefined;
  #ending = false;
  #unrecordedSize: TerminalSize | undefined;

  constructor(
    readonly options: SessionOptions,
    readonly id: string,
    readonly process: SessionProcess,
    readonly audit: SessionAudit,
    readonly events: SessionEvents,
  ) {
    const { context, connection, channel, pty, user } = options;
    this.#live =
      pty &&
      publishSession(context, {
        sessionId: id,
        login: connection.user,
        party: { id: randomUUID(), remote_addr: connection.remoteAddress, user },
        size: pty.size,
      });
    void channel.whenClosed.then(() => process.hangUp());
    // The error may name files of this host: it is in the log, and none of the user's business.
    void audit.failed.then(() =>
      this.terminate(`its audit or recording cannot be written; the ${context.service}'s log says why`),
    );
    this.done = this.#run();
  }

  resize(size: TerminalSize): void {
    if (this.process.resize === undefined) return;
    this.process.resize(size);
    this.#live?.resize(size);
    // Dragging a window sends sizes faster than they can be put on record: the last one that waits is enough.
    const waits = this.#unrecordedSize !== undefined;
    this.#unrecordedSize = size;
    if (waits) return;
    this.audit.append(() => {
      const latest = this.#unrecordedSize ?? size;
      this.#unrecordedSize = undefined;
      return this.events.resize(latest);
    });
  }

  signal(name: NodeJS.Signals): void {
    this.process.kill(name);
  }

  terminate(reason: string): void {
    if (this.#ending) return;
    this.#ending = true;
    const text = `\r\nThis session ends: ${reason}\r\n`;
    const { channel } = this.options;
    const tell =
      this.options.pty === undefined
        ? channel.writeExtended(Buffer.from(text))
        : written(channel, Buffer.from(text));
    // A client that does not read must not hold the session open.
    void Promise.race([tell.catch(() => undefined), this.process.exited]).then(() => this.process.hangUp());
  }

  async #run(): Promise<void> {
    const { channel, program, pty } = this.options;
    // The reply to the request that started all this goes out first.
    await new Promise((resolve) => setImmediate(resolve));
    const [status] = await Promise.all([
      this.process.exited,
      connectStreams({
        channel,
        process: this.process,
        bytes: this.#bytes,
        record: (data) => this.audit.print(data),
        log: this.options.context.log,
      }),
    ]);
    this.#ending = true;
    reportExit(channel, status);
    channel.close();
    const told = this.events.program(program, status);
    if (told !== undefined) this.audit.emit(told);
    this.audit.emit(this.events.data(pty !== undefined, this.#bytes));
    if (pty !== undefined) this.audit.append(() => this.events.leave());
    this.audit.append(() => this.events.end(pty !== undefined));
    await this.audit.close();
    await this.options.context.openSessions.remove(this.id);
    await this.#live?.remove();
  }
}
