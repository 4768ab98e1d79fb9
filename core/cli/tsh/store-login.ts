import { offerToAgent } from "./agent.js";
import type { TshState } from "./client.js";
import { parseCredentials } from "./credentials.js";
import type { AgentPolicy } from "./global-flags.js";
import type { NewLogin } from "./login-flow.js";

/**
 * Offers a login to the agent and keeps it on disk, as `agent` says. `loginHost` is the name under which the user knows
 * the proxy. The agent comes first: where it must take the key and does not, the login before this one stays as it was.
 * The profile is written last: it makes the rest count.
 */
export async function storeLogin(
  state: TshState,
  login: NewLogin,
  loginHost: string,
  agent: AgentPolicy,
): Promise<void> {
  const { profile, key, authorities } = login;
  await offerToAgent(parseCredentials(key), agent);
  if (agent === "only") state.keys.delete(profile.web.host, profile.user);
  else state.keys.save(profile.web.host, profile.user, key);
  state.keys.saveAuthorities(profile.web.host, authorities.tls.join(""));
  state.knownHosts.saveAuthorities(authorities.ssh);
  state.profiles.save(profile, loginHost);
}
