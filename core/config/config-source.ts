import { existsSync, readFileSync } from "node:fs";
import { badParameter, errorMessage } from "../errors/error.js";
import { systemErrorText } from "../errors/system-error.js";
import type { StartFlags } from "./flags.js";
import { loadConfig } from "./load.js";
import type { LoadedConfig } from "./load.js";

/** Where `teleport start` looks without `--config`; it may be absent. */
export const DEFAULT_CONFIG_FILE = "/etc/teleport.yaml";

/**
 * Loads the configuration that flags and environment select: `--config-string`, then `TELEPORT_CONFIG` (both base64),
 * then `--config`, then the default file. Undefined where there is none. Throws `config` or `bad_parameter`.
 */
export function loadSelectedConfig(
  flags: Pick<StartFlags, "config" | "configString">,
  environment: { readonly TELEPORT_CONFIG?: string | undefined },
  defaultFile = DEFAULT_CONFIG_FILE,
): LoadedConfig | undefined {
  const source = selectConfig(flags, environment, defaultFile);
  return source && loadConfig(source.text, source.name);
}

/** A configuration's text, and the name that messages about it begin with. */
export interface ConfigSource {
  readonly name: string;
  readonly text: string;
}

/** As {@link loadSelectedConfig}, but only reads the text. Throws `bad_parameter`. */
export function selectConfig(
  flags: Pick<StartFlags, "config" | "configString">,
  environment: { readonly TELEPORT_CONFIG?: string | undefined },
  defaultFile = DEFAULT_CONFIG_FILE,
): ConfigSource | undefined {
  if (flags.configString) {
    return { text: decode(flags.configString, "--config-string"), name: "--config-string" };
  }
  if (environment.TELEPORT_CONFIG) {
    return { text: decode(environment.TELEPORT_CONFIG, "TELEPORT_CONFIG"), name: "TELEPORT_CONFIG" };
  }
  const path = flags.config ?? defaultFile;
  if (flags.config === undefined && !existsSync(path)) return undefined;
  return { text: readConfigFile(path), name: path };
}

/** The text of a configuration file. Throws `bad_parameter`. */
export function readConfigFile(path: string): string {
  if (!existsSync(path)) throw badParameter(`path '${path}' does not exist`);
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    const reason = systemErrorText(error) ?? errorMessage(error);
    throw badParameter(`cannot read the configuration file '${path}': ${reason}`, { cause: error });
  }
}

function decode(base64: string, name: string): string {
  const compact = base64.replace(/\s+/g, "");
  if (!/^[A-Za-z0-9+/]*={0,2}$/.test(compact)) throw badParameter(`${name} is not base64`);
  return Buffer.from(compact, "base64").toString("utf8");
}
