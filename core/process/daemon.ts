/** The daemon: one generation of services, built from the settings. */
import { provide, provideValue, type Provider } from "../di/provider.js";
import { Generation } from "../di/generation.js";
import type { Settings } from "../config/settings.js";
import { formatAddress } from "../grammar/address.js";
import type { PositionedNode } from "../document/positioned.js";
import type { Clock } from "../plugin/clock.js";
import { openPluginHost, type PluginHost } from "../plugin/host.js";
import type { Logger } from "../plugin/logger.js";
import { authProviders } from "./auth-provider.js";
import { openDataDir } from "./data-dir.js";
import type { StorageHealth } from "../storage/storage-health.js";
import type { ProcessState, Readiness } from "./diagnostics.js";
import { openHostId } from "./host-id.js";
import { openListeners, type ListenerName, type Listeners } from "./listeners.js";
import { noMetrics } from "./metrics.js";
import { nodeProvider } from "./node-provider.js";
import { writePidFile } from "./pid-file.js";
import {
  authPluginProviders,
  checkSelectedPlugins,
  identityProviders,
  PROCESS_STORE,
  tlsPluginProviders,
} from "./plugin-providers.js";
import { proxyProvider } from "./proxy-provider.js";
import { openControlSocket } from "./reload/control-socket.js";
import { Reloads } from "./reload/reloads.js";
import type { Host } from "./host.js";
import {
  AUDIT_LOG,
  AUTH_SERVER,
  CLOCK,
  CONFIGURATION,
  HOST,
  LISTENERS,
  LOCAL_AUTH,
  LOG,
  METRICS,
  PLUGINS,
  SETTINGS,
  STOPPING,
  STORAGE_ADMIN,
  STORAGE_HEALTH,
} from "./tokens.js";

/** What a daemon is started with. */
export interface DaemonOptions {
  readonly settings: Settings;
  /** teleport.yaml as it is written, where there is one: a reload compares with it. */
  readonly configuration?: PositionedNode | undefined;
  readonly log: Logger;
  readonly clock: Clock;
  /** Takes the lines that the console shows while the services start. */
  readonly announce: (line: string) => void;
}

/** A daemon whose services all serve. */
export interface Daemon {
  /** Refuses new work and resolves when the last session has ended. */
  drain(): Promise<void>;
  /** Ends everything. Idempotent. */
  close(): Promise<void>;
}

/** How services are named on the console, in the order in which they come up (features.md §11.5). */
const CONSOLE: readonly (readonly [ListenerName, string, string])[] = [
  ["auth", "AUTH", "Auth service is starting on"],
  ["proxy:web", "PROXY", "Web proxy service is starting on"],
  ["proxy:ssh", "PROXY", "SSH proxy service is starting on"],
  ["node", "NODE", "Service is starting on"],
];

/**
 * Starts every service that the settings enable, and resolves when all of them serve.
 *
 * Throws what stopped the start, with everything closed again: `unavailable` for a busy port, `plugin` for a plugin,
 * `bad_parameter` for a data directory that others can enter, or whatever a service says.
 */
export async function startDaemon(options: DaemonOptions): Promise<Daemon> {
  const { settings, log, clock, announce } = options;
  await openDataDir(settings.dataDir, log);
  const host = { id: await openHostId(settings.dataDir), name: settings.nodename };
  const plugins = await openPluginHost(settings.plugins, settings.configDir);
  await checkSelectedPlugins(settings, plugins);
  const listeners = await openListeners(settings);
  const stopping = new AbortController();
  let state: ProcessState = "starting";
  let health: StorageHealth | undefined;
  // Loaded only where it is asked for: the metrics library is large.
  const diagnostics = settings.diagAddr
    ? (await import("./diagnostics.js")).createDiagnostics(() => readiness(state, health))
    : undefined;
  if (diagnostics) listeners.get("diag").serve((socket) => diagnostics.accept(socket));

  const closeGround = async (): Promise<void> => {
    stopping.abort(new Error("teleport is told to end"));
    await diagnostics?.close();
    await listeners.close();
  };
  try {
    announceListeners(settings, listeners, announce);
    const generation = await Generation.build([
      provideValue(CONFIGURATION, options.configuration),
      provideValue(SETTINGS, settings),
      provideValue(LOG, log),
      provideValue(CLOCK, clock),
      provideValue(HOST, host),
      provideValue(LISTENERS, listeners),
      provideValue(PLUGINS, plugins),
      provideValue(STOPPING, stopping.signal),
      provideValue(METRICS, diagnostics?.metrics ?? noMetrics),
      ...identityProviders,
      ...serviceProviders(settings),
    ]);
    // Identities are only needed while services start; afterwards their store's thread would cost memory for nothing.
    await generation.get(PROCESS_STORE).close();
    const control = await openControlSocket(
      settings.dataDir,
      reloads(generation, options, plugins, host),
      log,
    );
    if (settings.pidFile) await writePidFile(settings.pidFile);
    if (settings.auth) health = generation.get(STORAGE_HEALTH);
    state = "ok";
    announce("[PROC]    All services are ready.");
    log.info("Detected that service started and joined the cluster successfully.");
    return {
      drain: () => generation.drain(),
      async close() {
        stopping.abort(new Error("teleport is told to end"));
        await control.close();
        await generation.close();
        await closeGround();
      },
    };
  } catch (error) {
    await closeGround();
    throw error;
  }
}

/** What the control socket offers. */
function reloads(
  generation: Generation,
  { settings, configuration, log }: DaemonOptions,
  plugins: PluginHost,
  host: Host,
): Reloads {
  const auth = settings.auth && {
    storage: generation.get(STORAGE_ADMIN),
    audit: generation.get(AUDIT_LOG),
  };
  const metrics = generation.get(METRICS);
  return new Reloads({ running: configuration, plugins, host, metrics, log: log.child("reload"), auth });
}

/** A process that runs is ready unless its storage is away. */
function readiness(state: ProcessState, health: StorageHealth | undefined): Readiness {
  const since = health?.staleSince();
  if (state !== "ok" || since === undefined) return { state };
  return {
    state: "degraded",
    reason: `the storage is away since ${since.toISOString()}, reads are of that time and changes are refused: ${health?.problem() ?? ""}`,
  };
}

function serviceProviders(settings: Settings): Provider[] {
  const localAuth = settings.auth
    ? provide({ token: LOCAL_AUTH, needs: { server: AUTH_SERVER }, create: ({ server }) => server })
    : provideValue(LOCAL_AUTH, undefined);
  return [
    localAuth,
    ...(settings.auth ? [...authPluginProviders, ...authProviders] : []),
    ...(settings.proxy ? [...tlsPluginProviders, proxyProvider] : []),
    ...(settings.node ? [nodeProvider] : []),
  ];
}

function announceListeners(settings: Settings, listeners: Listeners, announce: (line: string) => void): void {
  const enabled: Partial<Record<ListenerName, unknown>> = {
    "auth": settings.auth,
    "proxy:web": settings.proxy,
    "proxy:ssh": settings.proxy,
    "node": settings.node,
  };
  for (const [name, label, text] of CONSOLE) {
    if (enabled[name])
      announce(`${`[${label}]`.padEnd(10)}${text} ${formatAddress(listeners.get(name).address)}.`);
  }
}
