/**
 * The user's SSH agent. A login is offered to it as two entries, the certificate and the plain key, whose comment
 * `teleport:<user>` marks them as ours; other entries are never touched. An agent that fails fails no command, unless
 * the user insists on it.
 */
import { errorMessage, unavailable } from "../../errors/error.js";
import { SshAgent } from "../../ssh/agent.js";
import type { Credentials } from "./credentials.js";
import type { AgentPolicy } from "./global-flags.js";

const MARK = "teleport:";
/** An agent may wait for its owner's consent; commands do not wait for that. */
const TIMEOUT_MS = 3_000;

/**
 * Puts a login into the agent, in place of earlier ones, unless the agent holds it. Throws `unavailable` where the
 * policy insists on an agent and none takes it.
 */
export async function offerToAgent(credentials: Credentials, policy: AgentPolicy): Promise<void> {
  const { user, privateKey, certificate } = credentials;
  if (policy === "no") return;
  const insists = policy !== "auto";
  await withAgent(insists, async (agent) => {
    const held = await agent.identities();
    if (held.some(({ blob }) => blob.equals(certificate.blob))) return;
    await removeOurs(agent);
    const lifetimeMs =
      certificate.validBefore === null ? undefined : certificate.validBefore.getTime() - Date.now();
    if (lifetimeMs !== undefined && lifetimeMs <= 0) return;
    const comment = MARK + user;
    await agent.add({ privateKey, certificate: certificate.blob, comment, lifetimeMs });
    await agent.add({ privateKey, comment, lifetimeMs });
  });
}

/** Takes logins out of the agent: those of one user, or all. */
export async function removeFromAgent(user?: string): Promise<void> {
  await withAgent(false, (agent) => removeOurs(agent, user));
}

async function removeOurs(agent: SshAgent, user?: string): Promise<void> {
  for (const { blob, comment } of await agent.identities()) {
    const isOurs = user === undefined ? comment.startsWith(MARK) : comment === MARK + user;
    if (isOurs) await agent.remove(blob);
  }
}

async function withAgent(insists: boolean, use: (agent: SshAgent) => Promise<void>): Promise<void> {
  const { SSH_AUTH_SOCK: path } = process.env;
  if (!path) {
    if (insists)
      throw unavailable(
        "SSH_AUTH_SOCK names no SSH agent for the key: start one, or use --add-keys-to-agent=no",
      );
    return;
  }
  let agent: SshAgent | undefined;
  const timer = setTimeout(() => agent?.close(), TIMEOUT_MS);
  try {
    agent = await SshAgent.connect(path);
    await use(agent);
  } catch (error) {
    if (insists) throw error;
    if (process.argv.includes("--debug")) process.stderr.write(`SSH agent: ${errorMessage(error)}\n`);
  } finally {
    clearTimeout(timer);
    agent?.close();
  }
}
