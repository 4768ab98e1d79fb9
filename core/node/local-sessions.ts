/** Runs the sessions of one connection on this host, as the OS account of its login. */
import type { LiveIdentity } from "../session/live-identity.js";
import type { SessionProcess } from "../session/session-process.js";
import type { PtyRequest } from "../session/session-requests.js";
import type { SessionHost, SessionLaunch, StartProgram } from "../session/session-host.js";
import type { X11Request } from "../session/x11-request.js";
import type { SshChannel, SshConnection } from "../ssh/contract.js";
import type { Account } from "./account.js";
import { ForwardedAgent } from "./agent-forwarding.js";
import type { ConnectionForwarding } from "./connection-forwarding.js";
import { buildEnvironment, splitAddress } from "./environment.js";
import type { Launch } from "./launcher.js";
import type { NodeContext } from "./node-context.js";
import { pamLogin } from "./pam/pam-account.js";
import { startPamPiped, startPamPty } from "./pam/pam-process.js";
import { startPipedProcess } from "./piped-process.js";
import { type PtyProcess, startPtyProcess } from "./pty-process.js";
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

  async #start(launch: Launch, pty: PtyRequest | undefined): Promise<SessionProcess> {
    const { settings, tools, log, clock, pipes } = this.#context;
    const pam = settings.pam && {
      ...{ launch, tools, log, clock },
      request: pamLogin(settings.pam, this.#connection, this.#identity, launch.account),
    };
    if (pty === undefined) {
      return pam === undefined ? startPipedProcess(launch, tools, pipes) : startPamPiped(pam, pipes);
    }
    const { size } = pty;
    const process =
      pam === undefined
        ? startPtyProcess(launch, tools, { size, ttyGroup: await ttyGroup() })
        : await startPamPty(pam, size, await ttyGroup());
    this.#record(process, launch.account);
    return process;
  }

  /** Shows an interactive session to who(1) and last(1). */
  #record({ terminal, pid, exited }: PtyProcess, { name, uid }: Account): void {
    const { host } = splitAddress(this.#connection.remoteAddress);
    const line = terminal.replace("/dev/", "");
    const close = this.#context.loginRecords?.open({ line, pid, user: name, uid, host });
    void exited.then(() => close?.());
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
      userFile: context.settings.permitUserEnv
        ? await readUserEnvironmentFile(account, context.log)
        : new Map(),
    };
    return async (sessionId) => {
      const launch: Launch = {
        account,
        ...start,
        environment: buildEnvironment({ ...facts, sessionId: pty === undefined ? undefined : sessionId }),
        terminalModes: pty === undefined ? undefined : sttyArguments(pty.modes),
      };
      return this.#start(launch, pty);
    };
  }
}
