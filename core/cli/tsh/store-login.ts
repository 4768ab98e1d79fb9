import { offerToAgent } from "./agent.js";
import type { TshState } from "./client.js";
import { parseCredentials } from "./credentials.js";
import type { AgentPolicy } from "./global-flags.js";
import type { NewLogin } from "./login-flow.js";

/**
 * Keeps a login on disk and offers it to the agent, as `agent` says. `loginHost` is the name under which the user knows the proxy. The
 * profile is written last: it makes the rest count.
 */
export async function storeLogin(
  state: TshState,
  login: NewLogin,
  loginHost: string,
  agent: AgentPolicy,
): Promise<void> {
  const { profile, key, authorities } = login;
  if (agent === "only") state.keys.delete(profile.web.host, profile.user);
  else state.keys.save(profile.web.host, profile.user, key);
  state.keys.saveAuthorities(profile.web.host, authorities.tls.join(""));
  state.knownHosts.saveAuthorities(authorities.ssh);
  await offerToAgent(parseCredentials(key), agent);
  state.profiles.save(profile, loginHost);
}
