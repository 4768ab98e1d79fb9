import type { Command } from "commander";
import { printToStdout } from "../../output.js";
import { ExitWith, withExamples } from "../../program.js";
import { notFound } from "../../../errors/error.js";
import { removeFromAgent } from "../agent.js";
import { openState, type TshState } from "../client.js";
import { readGlobalFlags } from "../global-flags.js";
import { parseProxyFlag } from "../proxy-address.js";

/** `tsh logout`: deletes keys and nothing else; profiles stay, so that the next login finds the proxy's ports. */
export function configure(command: Command): void {
  command.action(async () => {
    const { proxy, user } = readGlobalFlags(command);
    const state = openState();
    if (proxy !== undefined && user !== undefined) return logOutOne(state, parseProxyFlag(proxy).host, user);
    if (proxy !== undefined || user !== undefined) {
      await printToStdout(
        "Specify --proxy and --user to remove keys for specific user from a proxy or neither " +
          "to log out all users from all proxies.\n",
      );
      return;
    }
    await logOutAll(state);
  });
  withExamples(command, "tsh logout", "tsh logout --proxy=proxy.example.com --user=alice");
}

async function logOutOne(state: TshState, proxy: string, user: string): Promise<void> {
  const host = state.profiles.read(proxy)?.web.host ?? proxy;
  if (!state.keys.delete(host, user)) throw new ExitWith(1, `User ${user} already logged out from ${proxy}.`);
  await removeFromAgent(user);
  const current = state.profiles.current();
  if (current?.web.host === host && current.user === user) state.profiles.clearCurrent();
  await printToStdout(`Logged out ${user} from ${proxy}.\n`);
}

async function logOutAll(state: TshState): Promise<void> {
  const logins = state.keys.logins();
  if (logins.length === 0 && state.profiles.current() === undefined) throw notFound("not logged in");
  for (const { proxyHost, user } of logins) state.keys.delete(proxyHost, user);
  await removeFromAgent();
  state.profiles.clearCurrent();
  await printToStdout("Logged out all users from all proxies.\n");
}
