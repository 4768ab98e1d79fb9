/** The audit events of one session, filled with what they have in common. */
import { auditEvent, type PendingAuditEvent, SESSION_DATA_INDEX } from "../audit/catalogue.js";
import { exitCode, exitError } from "./exit-report.js";
import type { Program } from "./program.js";
import type { ExitStatus, TerminalSize } from "./session-process.js";
import type { SessionBytes } from "./session-streams.js";
import type { SftpFacts } from "./sftp-audit.js";

/** What all events of a session say. */
export interface SessionFacts {
  readonly sessionId: string;
  readonly namespace: string;
  readonly serverId: string;
  readonly user: string;
  readonly login: string;
  readonly remoteAddress: string;
  readonly localAddress: string;
}

/** Builds the events of one session. */
export class SessionEvents {
  readonly #facts: SessionFacts;
  readonly #session: { sid: string; namespace: string; server_id: string };
  readonly #identity: { user: string; login: string };
  readonly #addresses: { "addr.local": string; "addr.remote": string };

  constructor(facts: SessionFacts) {
    this.#facts = facts;
    this.#session = { sid: facts.sessionId, namespace: facts.namespace, server_id: facts.serverId };
    this.#identity = { user: facts.user, login: facts.login };
    this.#addresses = { "addr.local": facts.localAddress, "addr.remote": facts.remoteAddress };
  }

  /** Builds the events of one who has joined the session. */
  of(party: Pick<SessionFacts, "user" | "login" | "remoteAddress" | "localAddress">): SessionEvents {
    return new SessionEvents({ ...this.#facts, ...party });
  }

  join(): PendingAuditEvent {
    return auditEvent("sessionJoin", "success", {
      ...this.#session,
      ...this.#identity,
      ...this.#addresses,
    });
  }

  /** `size` only for interactive sessions. The command is told before it runs: it may end this daemon. */
  start({
    hostname,
    labels,
    size,
    program,
  }: {
    readonly hostname: string;
    readonly labels: Record<string, string>;
    readonly size: TerminalSize | undefined;
    readonly program: Program;
  }): PendingAuditEvent {
    return auditEvent("sessionStart", "success", {
      ...this.#session,
      ...this.#identity,
      ...this.#addresses,
      server_hostname: hostname,
      server_labels: labels,
      size: size && sizeText(size),
      initial_command: program.kind === "exec" ? [program.command] : undefined,
    });
  }

  /** What the events of an sftp subsystem have in common. */
  sftp(): SftpFacts {
    return { ...this.#session, ...this.#identity, ...this.#addresses };
  }

  resize(size: TerminalSize): PendingAuditEvent {
    return auditEvent("resize", "success", { ...this.#session, ...this.#identity, size: sizeText(size) });
  }

  leave(): PendingAuditEvent {
    return auditEvent("sessionLeave", "success", { ...this.#session, user: this.#identity.user });
  }

  /** `interrupted` where the daemon has died with the session. */
  end({
    interactive,
    participants,
    interrupted,
  }: {
    readonly interactive: boolean;
    /** Cluster users, each once. */
    readonly participants: string[];
    readonly interrupted?: true;
  }): PendingAuditEvent {
    return auditEvent("sessionEnd", "success", {
      ...this.#session,
      user: interactive ? this.#identity.user : undefined,
      interactive,
      enhanced_recording: false,
      participants,
      interrupted,
    });
  }

  data(interactive: boolean, bytes: SessionBytes): PendingAuditEvent {
    return auditEvent("sessionData", "success", {
      ...this.#identity,
      ...this.#addresses,
      server_id: this.#session.server_id,
      namespace: this.#session.namespace,
      sid: interactive ? this.#session.sid : undefined,
      tx: bytes.tx,
      rx: bytes.rx,
      ei: SESSION_DATA_INDEX,
    });
  }

  /** `exec`, `scp` or `subsystem`, after the program has ended; undefined for a shell, which is told by its session. */
  program(program: Program, status: ExitStatus): PendingAuditEvent | undefined {
    const error = exitError(status);
    const outcome = error === undefined ? "success" : "failure";
    const origin = { ...this.#identity, ...this.#addresses };
    switch (program.kind) {
      case "shell":
        return undefined;
      case "subsystem":
        return auditEvent("subsystem", outcome, { ...origin, name: program.name, exitError: error });
      case "exec": {
        const result = {
          ...origin,
          namespace: this.#session.namespace,
          command: program.command,
          exitCode: String(exitCode(status)),
          exitError: error,
        };
        if (program.scp === undefined) {
          return auditEvent("exec", outcome, {
            ...result,
            server_id: this.#session.server_id,
            sid: this.#session.sid,
          });
        }
        const kind = program.scp.action === "upload" ? "scpUpload" : "scpDownload";
        return auditEvent(kind, outcome, { ...result, ...program.scp });
      }
    }
  }
}

function sizeText({ columns, rows }: TerminalSize): string {
  return `${columns}:${rows}`;
}
