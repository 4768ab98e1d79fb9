/** One `session` channel (RFC 4254 §6): collects what the client asks for until a program is started. */
import { randomUUID } from "node:crypto";
import { accessDenied, badParameter, errorChain, errorMessage, hasCode, notFound } from "../errors/error.js";
import type { PeerRequest, SshChannel, SshConnection } from "../ssh/contract.js";
import { SSH_SIGNALS } from "./exit-report.js";
import { type JoinMode, readSessionRequest } from "./join-request.js";
import type { LiveIdentity } from "./live-identity.js";
import type { Program } from "./program.js";
import { readScpCommand } from "./scp-command.js";
import { type Session, type SessionClient, startSession } from "./session.js";
import type { SessionContext } from "./session-context.js";
import type { SessionHost } from "./session-host.js";
import { type PtyRequest, readEnv, readPtyRequest, readText, readWindowChange } from "./session-requests.js";
import { isSettable } from "./settable-variable.js";
import { TerminalSession } from "./terminal-session.js";
import { readX11Request, type X11Request } from "./x11-request.js";

/** What a session channel needs. */
export interface SessionChannelOptions {
  readonly context: SessionContext;
  readonly connection: SshConnection;
  readonly identity: LiveIdentity;
  readonly channel: SshChannel;
  /** Runs the programs of the connection. */
  readonly host: SessionHost;
}

const MAX_VARIABLES = 1_000;
const REFUSED = 255;

/** Serves a session channel until it closes. */
export function serveSessionChannel(options: SessionChannelOptions): void {
  const handler = new SessionChannelHandler(options);
  options.channel.onRequest((request) => handler.handle(request));
}

class SessionChannelHandler {
  readonly #options: SessionChannelOptions;
  readonly #environment = new Map<string, string>();
  #pty: PtyRequest | undefined;
  #forwardAgent = false;
  #display: string | undefined;
  #started = false;
  #client: SessionClient | undefined;

  constructor(options: SessionChannelOptions) {
    this.#options = options;
  }

  /** False refuses the request; what this server does not know is refused and the channel goes on. */
  async handle(request: PeerRequest): Promise<boolean> {
    const { payload } = request;
    switch (request.name) {
      case "env":
        return this.#setVariable(readEnv(payload));
      case "pty-req":
        return this.#requestPty(readPtyRequest(payload));
      case "window-change":
        return this.#resize(payload);
      case "auth-agent-req@openssh.com":
        return this.#requestAgent();
      case "x11-req":
        return this.#requestX11(readX11Request(payload));
      case "signal":
        return this.#signal(readText(payload));
      case "shell":
        return this.#start(() => ({ kind: "shell" }));
      case "exec":
        return this.#start(() => {
          const command = readText(payload);
          return { kind: "exec", command, scp: readScpCommand(command) };
        });
      case "subsystem":
        return this.#startSubsystem(readText(payload));
      default:
        return false;
    }
  }

  #setVariable({ name, value }: { name: string; value: string }): boolean {
    if (this.#started || this.#environment.size >= MAX_VARIABLES || !isSettable(name, value)) return false;
    this.#environment.set(name, value);
    return true;
  }

  #requestPty(pty: PtyRequest): boolean {
    const { certificate } = this.#options.identity;
    if (this.#started || this.#pty !== undefined || !certificate.extensions.has("permit-pty")) return false;
    this.#pty = pty;
    return true;
  }

  #resize(payload: Buffer): boolean {
    if (this.#pty === undefined) return false;
    const size = readWindowChange(payload);
    this.#pty = { ...this.#pty, size };
    this.#client?.resize(size);
    return true;
  }

  async #requestAgent(): Promise<boolean> {
    if (this.#started) return false;
    try {
      await this.#options.host.forwardAgent();
      this.#forwardAgent = true;
      return true;
    } catch (error) {
      this.#options.context.log.info("agent forwarding was refused", { error: errorMessage(error) });
      return false;
    }
  }

  async #requestX11(request: X11Request): Promise<boolean> {
    const { host, channel, context } = this.#options;
    if (this.#started || this.#display !== undefined || host.forwardX11 === undefined) return false;
    try {
      this.#display = await host.forwardX11(request, channel);
      return true;
    } catch (error) {
      context.log.info("X11 forwarding was refused", { error: errorMessage(error) });
      return false;
    }
  }

  #signal(name: string): boolean {
    if (this.#client === undefined || !SSH_SIGNALS.has(name)) return false;
    return this.#client.signal(`SIG${name}` as NodeJS.Signals);
  }

  async #startSubsystem(name: string): Promise<boolean> {
    if (!this.#options.host.offersSubsystem(name)) return false;
    return this.#start(() => ({ kind: "subsystem", name }));
  }

  /** Accepts the request even where the start fails, because only then do clients show the reason. */
  async #start(read: () => Program): Promise<boolean> {
    if (this.#started) return false;
    this.#started = true;
    try {
      const pty = this.#pty;
      this.#client = await this.#open(read());
      // The window may have changed in the meantime.
      if (this.#pty !== undefined && this.#pty !== pty) this.#client.resize(this.#pty.size);
    } catch (error) {
      const { context, connection, identity } = this.#options;
      context.log.warn("a session could not be started", {
        user: identity.user,
        login: connection.user,
        error: errorChain(error),
      });
      if (hasCode(error, "access_denied")) this.#auditRefusal(errorMessage(error));
      this.#tellAndClose(errorMessage(error));
    }
    return true;
  }

  /** Joins the session that the client names, or starts one. */
  async #open(program: Program): Promise<SessionClient> {
    const { sessions } = this.#options.context;
    const { id, mode } = readSessionRequest(this.#environment);
    const running = id === undefined ? undefined : await sessions.running(id);
    // Commands without a terminal get an id of their own, whatever the client says (4.2).
    const wanted = this.#pty !== undefined || mode !== undefined || program.kind === "shell";
    if (id !== undefined && running !== undefined && wanted) return this.#join(id, running, mode, program);
    if (mode !== undefined) throw notFound(`session '${id}' not found or it has ended`);
    const ownId = (this.#pty !== undefined ? id : undefined) ?? randomUUID();
    const session = await sessions.open(ownId, () => this.#startSession(ownId, program));
    return session.client;
  }

  #join(id: string, session: Session, mode: JoinMode = "peer", program: Program): SessionClient {
    if (!(session instanceof TerminalSession)) {
      throw badParameter(`session ${id} has no terminal, so nobody can join it`);
    }
    if (program.kind !== "shell") {
      throw accessDenied(`session ${id} is running already; to join it, ask for no command`);
    }
    if (mode === "peer" && this.#pty === undefined) {
      throw badParameter("joining a session takes a terminal: use ssh -t, or join as an observer");
    }
    const { connection, channel, identity } = this.#options;
    return session.join({ connection, channel, identity, mode, size: this.#pty?.size });
  }

  async #startSession(id: string, program: Program): Promise<Session> {
    const { context, connection, identity, channel, host } = this.#options;
    // A terminal between client and subsystem would carry the protocol past its audit.
    const pty = program.kind === "subsystem" ? undefined : this.#pty;
    const start = await host.prepare({
      ...{ program, pty, environment: this.#environment },
      forwardAgent: this.#forwardAgent,
      display: this.#display,
    });
    return startSession({ id, context, connection, channel, identity, program, pty, start });
  }

  #auditRefusal(reason: string): void {
    const { context, connection, identity } = this.#options;
    const { remoteAddress, localAddress } = connection;
    void context.refusals.record({
      ...{ remoteAddress, localAddress, reason },
      user: identity.user,
      login: connection.user,
      verified: true,
    });
  }

  #tellAndClose(message: string): void {
    const { channel } = this.#options;
    setImmediate(() => {
      channel.resume();
      channel.extended.resume();
      void channel
        .writeExtended(Buffer.from(`teleport: ${message}\r\n`))
        .catch(() => undefined)
        .then(() => {
          channel.exitStatus(REFUSED);
          channel.close();
        });
    });
  }
}
