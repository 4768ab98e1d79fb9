import os from "node:os";
import { loadSelectedConfig } from "../../config/config-source.js";
import { formatProblem } from "../../document/problem.js";
import { resolveSettings } from "../../config/settings.js";
import { errorMessage, hasCode } from "../../errors/error.js";
import { openPluginHost } from "../../plugin/host.js";
import { checkSelectedPlugins } from "../../process/plugin-providers.js";

/** What is to be said about a configuration file; each text is one line. */
export interface ConfigurationReport {
  /** Each begins with `file:line:col` where the problem has a place. Empty: `teleport start` takes the file. */
  readonly problems: readonly string[];
  readonly warnings: readonly string[];
}

/** Checks a file as `teleport start -c` would, plugins included, and starts nothing. */
export async function testConfiguration(file: string): Promise<ConfigurationReport> {
  const warnings: string[] = [];
  try {
    const loaded = loadSelectedConfig({ config: file }, {});
    warnings.push(...(loaded?.warnings ?? []).map(formatProblem));
    const settings = resolveSettings(loaded?.config, {}, { hostname: os.hostname() });
    warnings.push(...settings.warnings);
    await checkSelectedPlugins(settings, await openPluginHost(settings.plugins, settings.configDir));
    return { problems: [], warnings };
  } catch (error) {
    const message = errorMessage(error);
    // The message of a configuration error has a line for each problem, with its place; others have no place.
    return { problems: hasCode(error, "config") ? message.split("\n") : [`${file}: ${message}`], warnings };
  }
}
