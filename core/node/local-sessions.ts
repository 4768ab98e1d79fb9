/** Runs the sessions of one connection on this host, as the OS account of its login. */
import type { LiveIdentity } from "../session/live-identity.js";
import type { SessionProcess } from "../session/session-process.js";
import type { PtyRequest } from "../session/session-requests.js";
import type { SessionHost, SessionLaunch, StartProgram } from "../session/session-host.js";
import type { X11Request } from "../session/x11-request.js";
import type { SshChannel, SshConnection } from "../ssh/contract.js";
import { ForwardedAgent } from "./agent-forwarding.js";
import type { ConnectionForwarding } from "./connection-forwarding.js";
import { buildEnvironment } from "./environment.js";
import type { Launch } from "./launcher.js";
import type { NodeContext } from "./node-context.js";
import { pamLogin } from "./pam/pam-account.js";
import { startPamPiped, startPamPty } from "./pam/pam-process.js";
import type { PamSettings } from "./pam/pam-settings.js";
import { startPipedProcess } from "./piped-process.js";
import { startPtyProcess } from "./pty-process.js";
import { searchPath } from "./search-path.js";
import { programStart } from "./shell-program.js";
import { sttyArguments } from "./terminal-modes.js";
import { ttyGroup } from "./tty-group.js";
import { readUserEnvironmentFile } from "./user-environment-file.js";
import { openDisplay } from "./x11-forwarding.js";

/** The sessions of a connection, as local programs. */
export class LocalSessions implements SessionHost {
  readonly #context: NodeContext;
  readonly #connection: SshConnection;
  readonly #identity: LiveIdentity;
  readonly #forwarding: ConnectionForwarding;
  readonly #agent: ForwardedAgent;

  constructor(forwarding: ConnectionForwarding, identity: LiveIdentity) {
    this.#context = forwarding.context;
    this.#connection = forwarding.connection;
    this.#identity = identity;
    this.#forwarding = forwarding;
    this.#agent = new ForwardedAgent(forwarding);
  }

  offersSubsystem(name: string): boolean {
    return name === "sftp";
  }

  async forwardAgent(): Promise<void> {
    await this.#agent.socket();
  }

  forwardX11(request: X11Request, channel: SshChannel): Promise<string> {
    return openDisplay(request, channel, this.#forwarding);
  }

  async #startByPam(launch: Launch, pam: PamSettings, pty: PtyRequest | undefined): Promise<SessionProcess> {
    const { tools, log, clock, pipes } = this.#context;
    const request = pamLogin(pam, this.#connection, this.#identity, launch.account);
    const options = { request, launch, tools, log, clock };
    return pty === undefined
      ? startPamPiped(options, pipes)
      : startPamPty(options, pty.size, await ttyGroup());
  }

  async prepare({ program, pty, environment, forwardAgent, display }: SessionLaunch): Promise<StartProgram> {
    const context = this.#context;
    const connection = this.#connection;
    const account = await context.lookupAccount(connection.user);
    const start = programStart(program, account);
    const facts = {
      account,
      path: searchPath(account.uid),
      remoteAddress: connection.remoteAddress,
      localAddress: connection.localAddress,
      user: this.#identity.user,
      clusterName: context.view.clusterName,
      hostId: context.serverId,
      proxyAddress: context.view.proxies().find(({ spec }) => spec.public_addr !== undefined)?.spec
        .public_addr,
      terminalType: pty?.terminalType,
      agentSocket: forwardAgent ? await this.#agent.socket() : undefined,
      display,
      requested: environment,
      userFile: context.settings.permitUserEnv ? await readUserEnvironmentFile(account.home) : new Map(),
    };
    return async (sessionId) => {
      const launch: Launch = {
        account,
        ...start,
        environment: buildEnvironment({ ...facts, sessionId: pty === undefined ? undefined : sessionId }),
        terminalModes: pty === undefined ? undefined : sttyArguments(pty.modes),
      };
      if (context.settings.pam !== undefined) return this.#startByPam(launch, context.settings.pam, pty);
      return pty === undefined
        ? startPipedProcess(launch, context.tools, context.pipes)
        : startPtyProcess(launch, context.tools, { size: pty.size, ttyGroup: await ttyGroup() });
    };
  }
}
