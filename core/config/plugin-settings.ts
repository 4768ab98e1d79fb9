import type { z } from "zod";
import { check } from "../document/check.js";
import type { PositionedMap } from "../document/positioned.js";
import { withoutKeys } from "../document/positioned.js";
import { ConfigError, problemIn, type Finding } from "../document/problem.js";
import { EMPTY_MAP } from "./schema/open-map.js";
import { keysAt } from "../document/schema-keys.js";

/** Where a plugin's settings come from. */
export interface PluginSettingsSource {
  /** The file's path as the user gave it. */
  readonly fileName: string;
  /** Keys that the map may hold for others, too: they are left out where the plugin does not know them. */
  readonly sharedKeys?: readonly string[];
  /** Whose settings these are and where they belong: said where the file has nothing to point at. */
  readonly plugin: { readonly id: string; readonly section: string };
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
  const findings = node === EMPTY_MAP ? checked.findings.map(withOwner(source.plugin)) : checked.findings;
  throw new ConfigError(findings.map((finding) => problemIn(source.fileName, finding)));
}

function withOwner({ id, section }: PluginSettingsSource["plugin"]): (finding: Finding) => Finding {
  return (finding) => ({
    ...finding,
    message: `plugin ${id}: ${finding.message}`,
    hint: `settings of this plugin stand under ${section}`,
  });
}
