/** One `session` channel (RFC 4254 §6): collects what the client asks for until a program is started. */
import type { UserIdentity } from "../access/user-identity.js";
import { badParameter, errorChain, errorMessage, hasCode } from "../errors/error.js";
import { isUuidInAnyCase } from "../grammar/uuid.js";
import type { PeerRequest, SshChannel, SshConnection } from "../ssh/contract.js";
import { SSH_SIGNALS } from "./exit-report.js";
import type { Program } from "./program.js";
import { readScpCommand } from "./scp-command.js";
import { type Session, startSession } from "./session.js";
import type { SessionContext } from "./session-context.js";
import type { SessionHost } from "./session-host.js";
import { type PtyRequest, readEnv, readPtyRequest, readText, readWindowChange } from "./session-requests.js";
import { isSettable } from "./settable-variable.js";

/** What a session channel needs. */
export interface SessionChannelOptions {
  readonly context: SessionContext;
  readonly connection: SshConnection;
  readonly identity: UserIdentity;
  readonly channel: SshChannel;
  /** Runs the programs of the connection. */
  readonly host: SessionHost;
}

const MAX_VARIABLES = 1_000;
const SESSION_VARIABLE = "TELEPORT_SESSION";
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
  #started = false;
  #session: Session | undefined;

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
    this.#session?.resize(size);
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

  #signal(name: string): boolean {
    if (this.#session === undefined || !SSH_SIGNALS.has(name)) return false;
    this.#session.signal(`SIG${name}` as NodeJS.Signals);
    return true;
  }

  async #startSubsystem(name: string): Promise<boolean> {
    if (!this.#options.host.offersSubsystem(name)) return false;
    return this.#start(() => ({ kind: "subsystem", name }));
  }

  /** Accepts the request even where the start fails, because only then do clients show the reason. */
  async #start(read: () => Program): Promise<boolean> {
    if (this.#started) return false;
    this.#started = true;
    const starting = this.#startSession(read);
    // Also a session that is only being started keeps a closing node waiting.
    this.#options.context.sessions.track(starting.then((session) => session?.done));
    await starting;
    return true;
  }

  async #startSession(read: () => Program): Promise<Session | undefined> {
    const { context, connection, identity, channel, host } = this.#options;
    let release: () => void = () => undefined;
    try {
      const requestedId = this.#requestedId();
      if (requestedId !== undefined) release = context.sessions.reserve(requestedId);
      const pty = this.#pty;
      const program = read();
      const environment = this.#environment;
      const start = await host.prepare({ program, pty, environment, forwardAgent: this.#forwardAgent });
      const session = await startSession({
        ...{ context, connection, channel, program, pty, start, requestedId },
        user: identity.user,
      });
      this.#session = session;
      void session.done.then(release);
      // The window may have changed while the session was started.
      if (this.#pty !== undefined && this.#pty !== pty) session.resize(this.#pty.size);
      return session;
    } catch (error) {
      release();
      context.log.warn("a session could not be started", {
        user: identity.user,
        login: connection.user,
        error: errorChain(error),
      });
      if (hasCode(error, "access_denied")) this.#auditRefusal(errorMessage(error));
      this.#tellAndClose(errorMessage(error));
      return undefined;
    }
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

  #requestedId(): string | undefined {
    const id = this.#environment.get(SESSION_VARIABLE);
    if (id === undefined) return undefined;
    if (!isUuidInAnyCase(id)) throw badParameter("unable to update context: invalid session id");
    // Sessions without a terminal get an id of their own.
    return this.#pty === undefined ? undefined : id.toLowerCase();
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
