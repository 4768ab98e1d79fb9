import type { z } from "zod";
import { check } from "./check.js";
import type { PositionedMap } from "./positioned.js";
import { withoutKeys } from "./positioned.js";
import { ConfigError, problemIn } from "./problem.js";
import { keysAt } from "./schema-keys.js";

/** Where a plugin's settings come from. */
export interface PluginSettingsSource {
  /** The file's path as the user gave it. */
  readonly fileName: string;
  /** Keys that the map may hold for others, too: they are left out where the plugin does not know them. */
  readonly sharedKeys?: readonly string[];
}

/**
 * Checks a plugin's own keys against its schema. Throws {@link ConfigError} whose problems have line and column like
 * those of any other key.
 */
export function checkPluginSettings<S extends z.ZodType>(
  schema: S,
  node: PositionedMap,
  source: PluginSettingsSource,
): z.output<S> {
  const known = new Set(keysAt(schema, []));
  const foreign = (source.sharedKeys ?? []).filter((key) => !known.has(key));
  const checked = check(schema, withoutKeys(node, new Set(foreign)));
  if (checked.ok) return checked.value;
  throw new ConfigError(checked.findings.map((finding) => problemIn(source.fileName, finding)));
}
