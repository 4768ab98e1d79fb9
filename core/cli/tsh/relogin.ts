/** Commands that find no usable login log in and go on, where somebody sits at the terminal to type the password. */
import { openClient, chosenProfile, openState, type Client } from "./client.js";
import type { GlobalFlags } from "./global-flags.js";
import { performLogin } from "./login-flow.js";
import { LoginNeeded } from "./login-needed.js";
import type { Profile } from "./profile.js";
import { storeLogin } from "./store-login.js";

/**
 * Runs a command with the client that the flags mean. A command that throws {@link LoginNeeded} is run again after a
 * login; it must not have done anything before. Input that is no terminal belongs to the command and is left alone.
 */
export async function withClient<T>(flags: GlobalFlags, run: (client: Client) => Promise<T>): Promise<T> {
  try {
    return await run(await openClient(flags));
  } catch (error) {
    if (!(error instanceof LoginNeeded) || flags.identity !== undefined || !process.stdin.isTTY) throw error;
    const state = openState();
    const profile = chosenProfile(flags, state.profiles);
    if (profile === undefined) throw error;
    await storeLogin(state, await performLogin(loginRequest(flags, profile)), profile.web.host, flags.agent);
    return run(await openClient(flags));
  }
}

/** A login to the proxy and as the user of a profile. */
export function loginRequest(flags: GlobalFlags, profile: Profile): Parameters<typeof performLogin>[0] {
  return {
    proxy: { host: profile.web.host, webPort: profile.web.port, sshPort: undefined },
    user: profile.user,
    cluster: flags.cluster ?? profile.cluster,
    ttlMs: flags.ttlMs,
    insecure: flags.insecure,
    skipVersionCheck: flags.skipVersionCheck,
    connector: flags.auth,
    certFormat: flags.certFormat,
  };
}
