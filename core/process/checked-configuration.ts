import { loadConfig } from "../config/load.js";
import { resolveSettings, type Settings } from "../config/settings.js";
import type { PositionedNode } from "../document/positioned.js";
import { ConfigError, formatProblem } from "../document/problem.js";
import { CodedError, errorMessage, hasCode } from "../errors/error.js";
import type { PluginHost } from "../plugin/host.js";
import type { ConfigurationFile } from "../resources/storage-status.js";
import type { Host } from "./host.js";
import { checkSelections, storageSelection } from "./plugin-selection.js";

/** A configuration that is not the running one. */
export interface CheckedConfiguration {
  readonly settings: Settings;
  readonly tree: PositionedNode;
  readonly warnings: readonly string[];
}

/**
 * Loads a teleport.yaml beside the running one, and has the plugins that run here check its storage; no code is loaded for
 * it. Throws `config` with every problem, and where one has a place, with line and column.
 */
export async function checkedConfiguration(
  { name, text }: ConfigurationFile,
  { host, plugins }: { readonly host: Host; readonly plugins: PluginHost },
): Promise<CheckedConfiguration> {
  const { config, tree, warnings } = loadConfig(text, name);
  try {
    const settings = resolveSettings(config, {}, { hostname: host.name });
    const selection = storageSelection(settings);
    const definition = await plugins.definition("storage", selection.name);
    checkSelections([[definition, selection]], settings);
    return { settings, tree, warnings: [...warnings.map(formatProblem), ...settings.warnings] };
  } catch (error) {
    if (error instanceof ConfigError) throw error;
    const known = hasCode(error, "bad_parameter") || hasCode(error, "plugin");
    throw known ? new CodedError("config", `${name}: ${errorMessage(error)}`, { cause: error }) : error;
  }
}
