/** Starting the plugins that the settings choose. */
import path from "node:path";
import type { Settings } from "../config/settings.js";
import type { PluginContext, PluginDefinition, PluginKind } from "../plugin/define.js";
import type { Clock } from "../plugin/clock.js";
import { runPlugin, type PluginHost, type RunningPlugin } from "../plugin/host.js";
import type { Logger } from "../plugin/logger.js";
import type { Storage } from "../plugin/storage.js";
import type { Host } from "./host.js";
import type { Metrics } from "./metrics.js";
import { checkSelection, type Selection } from "./plugin-selection.js";
import { CLOCK, HOST, LOG, METRICS, PLUGINS, SETTINGS } from "./tokens.js";

/** What every plugin is started with. */
export const pluginBase = {
  settings: SETTINGS,
  log: LOG,
  clock: CLOCK,
  host: HOST,
  plugins: PLUGINS,
  metrics: METRICS,
};

/** The instances behind {@link pluginBase}. */
export interface PluginBase {
  readonly settings: Settings;
  readonly log: Logger;
  readonly clock: Clock;
  readonly host: Host;
  readonly plugins: PluginHost;
  readonly metrics: Metrics;
}

/** Starts the plugin of a selection. Throws a configuration error with line and column, or `plugin`. */
export async function runSelected<K extends PluginKind>(
  needs: PluginBase,
  selection: Selection,
  storage?: Storage,
): Promise<RunningPlugin<K>> {
  const definition = (await needs.plugins.definition(
    selection.kind,
    selection.name,
  )) as unknown as PluginDefinition<K>;
  const settings = checkSelection(definition, selection, needs.settings);
  return runPlugin(definition, settings, {
    ...contextOf(needs),
    metrics: needs.metrics.ofPlugin(definition.id),
    uri: selection.uri,
    storage: definition.uses?.includes("storage") ? storage : undefined,
  });
}

/**
 * Opens the store of what belongs to this host alone, always in the embedded backend, whatever the cluster's is. It may be
 * opened several times.
 */
export async function openProcessStore(needs: PluginBase): Promise<RunningPlugin<"storage">> {
  const definition = await needs.plugins.definition("storage", "dir");
  const settings = definition.schema.parse({ path: path.join(needs.settings.dataDir, "proc") });
  return runPlugin(definition, settings, contextOf(needs));
}

function contextOf({ log, clock, settings, host }: Omit<PluginBase, "plugins" | "metrics">): PluginContext {
  return { log: log.child("plugin"), clock, dataDir: settings.dataDir, hostId: host.id, hostname: host.name };
}
