/** teleport.yaml from text to typed values: YAML tree, schema, rules between keys, warnings. */

import { check } from "../document/check.js";
import { crossCheck } from "./cross-checks.js";
import { missingFunctions } from "./not-yet.js";
import type { PositionedNode } from "../document/positioned.js";
import { ConfigError, problemIn } from "../document/problem.js";
import type { ConfigProblem } from "../document/problem.js";
import { fileSchema } from "./schema/file.js";
import type { FileConfig } from "./schema/file.js";
import { sectionsByKey } from "../document/schema-keys.js";
import { parseYaml } from "../document/yaml-document.js";

/** A configuration that can be used, with what should be said about it. */
export interface LoadedConfig {
  readonly config: FileConfig;
  /** The file as it is written. */
  readonly tree: PositionedNode;
  /** Keys that are accepted although their function does not exist yet; to be logged as WARN. */
  readonly warnings: readonly ConfigProblem[];
}

const PREFIX = "failed to parse Teleport configuration: ";
const sections = sectionsByKey(fileSchema);

/**
 * Checks a configuration's text. `fileName` is only repeated in messages.
 * Throws {@link ConfigError} with every problem of the file.
 */
export function loadConfig(text: string, fileName: string): LoadedConfig {
  const { root, findings } = parseYaml(text, PREFIX);
  if (!root) throw new ConfigError(findings.map((finding) => problemIn(fileName, finding)));
  const checked = check(fileSchema, root, { sections });
  const all = [...findings, ...(checked.ok ? [] : checked.findings), ...crossCheck(root)];
  if (!checked.ok || all.length > 0)
    throw new ConfigError(all.map((finding) => problemIn(fileName, finding)));
  return {
    config: { ...checked.value, fileName },
    tree: root,
    warnings: missingFunctions(root).map((finding) => problemIn(fileName, finding)),
  };
}
