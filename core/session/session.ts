/**
 * One session: a program on a channel, from its first audit event to its last. Nothing is started before the start is
 * on record, and a session whose record cannot be kept ends, saying so on the user's terminal.
 */
import { errorMessage, hasCode, unavailable } from "../errors/error.js";
import { createRecorder, recordInto, type Recorder } from "../recording/recorder.js";
import type { SshChannel, SshConnection } from "../ssh/contract.js";
import type { LiveIdentity } from "./live-identity.js";
import { PlainSession } from "./plain-session.js";
import type { Program } from "./program.js";
import { recordingDirectory } from "./recording-directory.js";
import { openSessionAudit } from "./session-audit.js";
import type { RecordingWay, SessionContext } from "./session-context.js";
import { SessionEvents } from "./session-events.js";
import type { StartProgram } from "./session-host.js";
import type { TerminalSize } from "./session-process.js";
import type { PtyRequest } from "./session-requests.js";
import { openStreamedJournal } from "./streamed-journal.js";
import { TerminalSession } from "./terminal-session.js";

/** What a session is made of. */
export interface SessionOptions {
  readonly id: string;
  readonly context: SessionContext;
  readonly connection: SshConnection;
  readonly channel: SshChannel;
  readonly identity: LiveIdentity;
  readonly program: Program;
  /** Makes the session interactive: it has a terminal, a live record and a recording, and can be joined. */
  readonly pty: PtyRequest | undefined;
  /** Starts the program, which has been made ready. */
  readonly start: StartProgram;
}

/** What the client of a channel asks of the session. */
export interface SessionClient {
  /** The window of the client has changed. */
  resize(size: TerminalSize): void;
  /** False where the client may not signal the program. */
  signal(name: NodeJS.Signals): boolean;
}

/** A running session. */
export interface Session {
  readonly id: string;
  /** Whether it has a terminal. */
  readonly interactive: boolean;
  /** The client that started it. */
  readonly client: SessionClient;
  /** Whether its program has ended or is being ended. */
  readonly ending: boolean;
  /** Resolves when the program has ended and all is on record. Never rejects. */
  readonly done: Promise<void>;
}

/**
 * Starts a session. Throws `unavailable` where it cannot be audited, recorded or started, and `access_denied` where a
 * lock forbids it or its id has been used; the channel stays open.
 */
export async function startSession(options: SessionOptions): Promise<Session> {
  const { context, connection, identity, pty, program, id } = options;
  identity.requireSession(id);
  const recording = pty === undefined ? "none" : context.recording();
  const recorder = await openRecorder(context, id, recording);
  const audit = openSessionAudit({ context, sessionId: id, recorder, recording });
  const events = new SessionEvents({
    sessionId: id,
    namespace: context.namespace,
    serverId: context.serverId,
    user: identity.user,
    login: connection.user,
    remoteAddress: connection.remoteAddress,
    localAddress: connection.localAddress,
  });
  const interactive = pty !== undefined;
  const participants = [identity.user];
  try {
    // In one go, since both wait for a disk. A recorded session is recovered from its recording.
    await Promise.all([
      recorder === undefined &&
        context.openSessions.add(id, events.end({ interactive, participants, interrupted: true })),
      audit.start(
        events.start({ hostname: context.hostname, labels: context.labels(), size: pty?.size, program }),
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
    // Putting the start on record took a while.
    identity.requireSession(id);
    const parts = { context, program, recording, audit, process: await options.start(id) };
    return pty === undefined
      ? new PlainSession(options, parts, events)
      : new TerminalSession({ ...options, mode: "peer", size: pty.size }, parts, events);
  } catch (error) {
    audit.append(() => events.end({ interactive, participants }));
    void audit.close().then(() => context.openSessions.remove(id));
    throw error;
  }
}

async function openRecorder(
  context: SessionContext,
  sessionId: string,
  way: RecordingWay,
): Promise<Recorder | undefined> {
  if (way === "none") return undefined;
  const { namespace, serverId, clock, log, dataDir } = context;
  const session = { sessionId, namespace, serverId, clock };
  try {
    if (way === "streamed") return recordInto(session, await openStreamedJournal(session, context));
    return await createRecorder({ ...session, directory: recordingDirectory(dataDir), log });
  } catch (error) {
    // An id that is taken is the client's fault, and must not be a way around the recording.
    if (hasCode(error, "access_denied") || hasCode(error, "not_implemented")) throw error;
    if (way === "stored" && context.auditPolicy === "best_effort") {
      context.log.warn("a session is not recorded", { sid: sessionId, error: errorMessage(error) });
      return undefined;
    }
    throw unavailable(`this session cannot be recorded; the ${context.service}'s log says why`, {
      cause: error,
    });
  }
}
