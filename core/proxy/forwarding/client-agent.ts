/** The client's SSH agent, which is what the recording proxy logs in to targets with: it has no keys of its own. */
import { accessDenied } from "../../errors/error.js";
import { SshAgent } from "../../ssh/agent.js";
import type { SshConnection } from "../../ssh/contract.js";

/** A connection over which a client may offer its agent. */
export interface AgentSource {
  readonly connection: SshConnection;
  /**
   * Whether the client has offered its agent with `auth-agent-req@openssh.com`. Undefined where it could not: `ssh -J`, `-W`
   * and `-N` open no session channel to ask on, but answer when they are asked.
   */
  readonly offered: boolean | undefined;
}

const AGENT_CHANNEL = "auth-agent@openssh.com";

/**
 * Opens the client's agent. Sources that offered it are asked first and those that refused never: OpenSSH warns its user of
 * a server that asks unbidden. Throws `access_denied` where no source leads to an agent.
 */
export async function openClientAgent(sources: readonly AgentSource[]): Promise<SshAgent> {
  const offering = sources.filter(({ offered }) => offered === true);
  const silent = sources.filter(({ offered }) => offered === undefined);
  let cause: unknown;
  for (const { connection } of [...offering, ...silent]) {
    try {
      const channel = await connection.openChannel(AGENT_CHANNEL);
      channel.extended.resume();
      return new SshAgent(channel);
    } catch (error) {
      cause = error;
    }
  }
  throw accessDenied(
    "user agent required to connect to remote host: forward yours to the proxy (ssh -A, or ForwardAgent yes)",
    { cause },
  );
}
