import type { Command } from "commander";
import type { AuthApi } from "../../auth/client/api.js";
import { systemClock, type Clock } from "../../plugin/clock.js";
import { warnOfStaleState } from "../stale-warning.js";
import { printToStdout, type Print } from "../output.js";
import type { GlobalFlags } from "./global-flags.js";

/** What a command works with. */
export interface TctlContext {
  readonly api: AuthApi;
  readonly print: Print;
  readonly clock: Clock;
  /** Whether details were asked for. */
  readonly debug: boolean;
}

/** Connects as the command's flags say, runs, and closes the connection. */
export async function withAuth(
  command: Command,
  run: (context: TctlContext) => Promise<void>,
): Promise<void> {
  const flags = command.optsWithGlobals<GlobalFlags>();
  // Loaded here, so that help does not load what only a connection needs.
  const { connectAdmin } = await import("./admin-connection.js");
  const api = await connectAdmin(flags, { clock: systemClock, environment: process.env });
  try {
    await run({ api, print: printToStdout, clock: systemClock, debug: flags.debug ?? false });
  } finally {
    warnOfStaleState(api.staleSince?.());
    await api.close();
  }
}
