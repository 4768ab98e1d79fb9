import type { Logger } from "../plugin/logger.js";

/** How a signal asks the daemon to end: at once, or when the last session has ended. */
export type StopKind = "now" | "drain";

const STOP_NOW = ["SIGTERM", "SIGINT"] as const;
/** What reloads a 4.2 daemon. Ending here would take every session down. */
const RELOAD = ["SIGHUP", "SIGUSR2"] as const;

/**
 * Resolves at the first signal that ends the daemon: TERM and INT at once, QUIT after a drain (features.md §11.1). A TERM
 * or INT during a drain ends the process on the spot. USR1 writes diagnostics to stderr. HUP and USR2 are ignored, loudly.
 */
export function whenToldToStop(log: Logger): Promise<StopKind> {
  process.on("SIGUSR1", () => process.stderr.write(diagnostics()));
  for (const signal of RELOAD) {
    process.on(signal, () =>
      log.warn(
        `Ignoring "${signal}": to apply changes of teleport.yaml run teleport reload, which says what needs a restart.`,
      ),
    );
  }
  return new Promise((resolve) => {
    let draining = false;
    for (const signal of STOP_NOW) {
      process.on(signal, () => {
        log.info(`Got signal "${signal}", exiting immediately.`);
        if (draining) process.exit(0);
        resolve("now");
      });
    }
    process.on("SIGQUIT", () => {
      log.info(`Got signal "SIGQUIT", waiting for sessions to end.`);
      draining = true;
      resolve("drain");
    });
  });
}

/** What the process is made of right now: memory and the handles that keep it alive. */
function diagnostics(): string {
  const handles = new Map<string, number>();
  for (const name of process.getActiveResourcesInfo()) handles.set(name, (handles.get(name) ?? 0) + 1);
  const memory = Object.entries(process.memoryUsage()).map(([name, bytes]) => `${name}: ${bytes} bytes`);
  const active = [...handles].map(([name, count]) => `${name}: ${count}`);
  return [
    "Runtime stats",
    `uptime: ${process.uptime().toFixed(0)} s`,
    "Memory stats",
    ...memory,
    "Handles",
    ...active,
  ]
    .map((line) => `${line}\n`)
    .join("");
}
