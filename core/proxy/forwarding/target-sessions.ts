/** Runs the sessions of one forwarded connection on its target. */
import type { UserIdentity } from "../../access/user-identity.js";
import { accessDenied } from "../../errors/error.js";
import type { SessionHost, SessionLaunch, StartProgram } from "../../session/session-host.js";
import type { TargetConnection } from "./target-connection.js";
import { startTargetProcess } from "./target-process.js";

const SESSION_VARIABLE = "TELEPORT_SESSION";

/** What the sessions need. */
export interface TargetSessionsOptions {
  readonly target: TargetConnection;
  readonly identity: UserIdentity;
  readonly login: string;
  /** Told that the client has offered its agent, whether or not the target may have it. */
  readonly agentOffered: () => void;
}

/** The sessions of a connection, as programs of its target. */
export class TargetSessions implements SessionHost {
  readonly #options: TargetSessionsOptions;

  constructor(options: TargetSessionsOptions) {
    this.#options = options;
  }

  /** Which there are is the target's to say. */
  offersSubsystem(): boolean {
    return true;
  }

  forwardAgent(): Promise<void> {
    const { identity, login, agentOffered } = this.#options;
    agentOffered();
    return mayForwardAgent(identity, login)
      ? Promise.resolve()
      : Promise.reject(accessDenied("agent forwarding not allowed"));
  }

  async prepare(launch: SessionLaunch): Promise<StartProgram> {
    const { target } = this.#options;
    const connection = await target.open();
    const environment = new Map(launch.environment);
    // It names the session here. A node that were to join or make one by it would say no.
    environment.delete(SESSION_VARIABLE);
    return async () => {
      const release = target.hold();
      try {
        const process = await startTargetProcess(connection, { ...launch, environment });
        void process.finished.then(release);
        return process;
      } catch (error) {
        release();
        throw error;
      }
    };
  }
}

/** Whether programs of the target may reach the client's agent. */
export function mayForwardAgent({ access, certificate }: UserIdentity, login: string): boolean {
  return access.forwardAgent(login) && certificate.extensions.has("permit-agent-forwarding");
}
