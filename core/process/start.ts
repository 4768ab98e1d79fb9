/** `teleport start`: from the command line to a daemon that serves, and from a signal to its end. */
import os from "node:os";
import { loadSelectedConfig } from "../config/config-source.js";
import { formatProblem } from "../document/problem.js";
import type { StartFlags } from "../config/flags.js";
import { resolveSettings } from "../config/settings.js";
import { errorChain } from "../errors/error.js";
import { systemClock } from "../plugin/clock.js";
import { startDaemon } from "./daemon.js";
import { openLog } from "./log.js";
import { whenToldToStop } from "./signals.js";

/** Starts the daemon and resolves when it has ended by a signal. Throws what stopped the start. */
export async function startFromCommandLine(flags: StartFlags): Promise<void> {
  const loaded = loadSelectedConfig(flags, process.env);
  const settings = resolveSettings(loaded?.config, flags, { hostname: os.hostname() });
  const log = await openLog(settings.log);
  for (const warning of loaded?.warnings ?? []) log.warn(formatProblem(warning));
  for (const warning of settings.warnings) log.warn(warning);

  const stop = whenToldToStop(log);
  const announce = (line: string): void => void (settings.debug || process.stdout.write(`${line}\n`));
  const starting = startDaemon({
    settings,
    configuration: loaded?.tree,
    log,
    clock: systemClock,
    announce,
  });
  const daemon = await Promise.race([starting, stop.then(() => undefined)]);
  // Told to end while it starts, perhaps while it waits for a cluster: what is written survives a sudden end.
  if (!daemon) process.exit(0);
  const how = await stop;
  try {
    if (how === "drain") await daemon.drain();
    await daemon.close();
  } catch (error) {
    log.error("the daemon did not close cleanly", { error: errorChain(error) });
    process.exitCode = 1;
  }
  // Sessions that a hard stop leaves behind hold handles of their own.
  process.exit();
}
