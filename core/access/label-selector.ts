import type { Traits } from "../resources/user.js";
import { compileLabelPattern, type LabelPattern } from "./label-pattern.js";
import { expandTemplate } from "./template.js";

/** Whether a server's labels fit a role's `node_labels`. */
export type LabelSelector = (labels: Readonly<Record<string, string>>) => boolean;

/** `node_labels` as roles hold them. */
export type LabelSelectorSource = Readonly<Record<string, string | readonly string[]>>;

/**
 * Compiles `node_labels`: every key must be there and one of its values fit; `'*': '*'` fits every server, no keys
 * at all fit none. Keys and values may hold templates; of a key's expansion the first result counts, as in 4.2.
 *
 * What cannot be evaluated (an unreadable template or expression, a value that is too long, a `'*'` key with
 * another value) makes the selector answer `whenUnclear`: false for `allow`, true for `deny`.
 */
export function compileLabelSelector(
  source: LabelSelectorSource,
  traits: Traits,
  whenUnclear: boolean,
): LabelSelector {
  try {
    const selector = compile(source, traits);
    return (labels) => {
      try {
        return selector(labels);
      } catch {
        return whenUnclear;
      }
    };
  } catch {
    return () => whenUnclear;
  }
}

function compile(source: LabelSelectorSource, traits: Traits): LabelSelector {
  const entries = Object.entries(source).map(([key, value]) => compileEntry(key, value, traits));
  if (entries.length === 0) {
    return () => false;
  }
  if (entries.some(({ matchesAll }) => matchesAll)) {
    return () => true;
  }
  return (labels) =>
    entries.every(({ key, patterns }) => {
      const value = key !== undefined && Object.hasOwn(labels, key) ? labels[key] : undefined;
      return value !== undefined && patterns.some((pattern) => pattern(value));
    });
}

interface Entry {
  /** Undefined where the key's template gave nothing: no label has it. */
  readonly key: string | undefined;
  readonly patterns: readonly LabelPattern[];
  readonly matchesAll: boolean;
}

function compileEntry(key: string, value: string | readonly string[], traits: Traits): Entry {
  const [expandedKey] = expandTemplate(key, traits);
  const values = [value].flat().flatMap((item) => expandTemplate(item, traits));
  if (key === "*" && values.some((item) => item !== "*")) {
    throw new Error("the key * has only one value: *");
  }
  return {
    key: expandedKey,
    patterns: values.map(compileLabelPattern),
    matchesAll: key === "*" && values.length > 0,
  };
}
