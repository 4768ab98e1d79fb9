/** Runs the sessions of one connection on this host, as the OS account of its login. */
import type { UserIdentity } from "../access/user-identity.js";
import type { SessionHost, SessionLaunch, StartProgram } from "../session/session-host.js";
import type { SshConnection } from "../ssh/contract.js";
import { ForwardedAgent } from "./agent-forwarding.js";
import { buildEnvironment } from "./environment.js";
import type { Launch } from "./launcher.js";
import type { NodeContext } from "./node-context.js";
import { startPipedProcess } from "./piped-process.js";
import { startPtyProcess } from "./pty-process.js";
import { searchPath } from "./search-path.js";
import { programStart } from "./shell-program.js";
import { sttyArguments } from "./terminal-modes.js";
import { ttyGroup } from "./tty-group.js";
import { readUserEnvironmentFile } from "./user-environment-file.js";

/** The sessions of a connection, as local programs. */
export class LocalSessions implements SessionHost {
  readonly #context: NodeContext;
  readonly #connection: SshConnection;
  readonly #identity: UserIdentity;
  readonly #agent: ForwardedAgent;

  constructor(context: NodeContext, connection: SshConnection, identity: UserIdentity) {
    this.#context = context;
    this.#connection = connection;
    this.#identity = identity;
    this.#agent = new ForwardedAgent(context, connection, identity);
  }

  offersSubsystem(name: string): boolean {
    return name === "sftp";
  }

  async forwardAgent(): Promise<void> {
    await this.#agent.socket();
  }

  async prepare({ program, pty, environment, forwardAgent }: SessionLaunch): Promise<StartProgram> {
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
      return pty === undefined
        ? startPipedProcess(launch, context.tools, context.pipes)
        : startPtyProcess(launch, context.tools, { size: pty.size, ttyGroup: await ttyGroup() });
    };
  }
}
