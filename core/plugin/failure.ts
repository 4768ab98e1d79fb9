import { CodedError, errorMessage } from "../errors/error.js";

/** Where in its life a plugin failed. */
export type PluginPhase = "resolve" | "load" | "schema" | "graph" | "create" | "start" | "drain" | "close";

/** A `plugin` error that names the plugin, the phase and the cause. */
export function pluginFailure(id: string, phase: PluginPhase, cause: unknown): CodedError {
  return new CodedError("plugin", `plugin ${id} failed in phase ${phase}: ${errorMessage(cause)}`, {
    cause,
    context: { plugin: id, phase },
  });
}
