import { errorMessage } from "../errors/error.js";
import type { Traits } from "../resources/user.js";
import { compileLabelPattern, type LabelPattern } from "./label-pattern.js";
import { expandTemplate } from "./template.js";

type Labels = Readonly<Record<string, string>>;

/** Why a server's labels do not fit. */
export type LabelMisfit =
  | { readonly problem: "fits none" }
  | { readonly problem: "cannot be evaluated"; readonly reason: string }
  | {
      readonly problem: "label";
      /** Of the label that the role asks for. */
      readonly key: string;
      /** The values that would fit, expanded; none where the user lacks the trait that gives them. */
      readonly wanted: readonly string[];
      /** What the server has; undefined where it lacks the label. */
      readonly value: string | undefined;
    };

/** A role's `node_labels`, ready to be asked. */
export interface LabelSelector {
  fits(labels: Labels): boolean;
  /** The first thing that keeps the labels from fitting, also where what is unclear counts as fitting. */
  misfit(labels: Labels): LabelMisfit | undefined;
}

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
  // Compiled when it is first asked: who calls the API with many roles looks at no server.
  let compiled: LabelSelector["misfit"] | undefined;
  const find: LabelSelector["misfit"] = (labels) => (compiled ??= misfitFinder(source, traits))(labels);
  return {
    misfit: find,
    fits(labels) {
      const misfit = find(labels);
      return misfit === undefined || (whenUnclear && misfit.problem === "cannot be evaluated");
    },
  };
}

function misfitFinder(source: LabelSelectorSource, traits: Traits): LabelSelector["misfit"] {
  let entries: Entry[];
  try {
    entries = Object.entries(source).map(([key, value]) => compileEntry(key, value, traits));
  } catch (error) {
    const unclear = cannotBeEvaluated(error);
    return () => unclear;
  }
  if (entries.length === 0) return () => ({ problem: "fits none" });
  if (entries.some(({ matchesAll }) => matchesAll)) return () => undefined;
  return (labels) => {
    try {
      const entry = entries.find((one) => !one.fits(labels));
      return entry && { problem: "label", ...entry.asked, value: ownValue(labels, entry.asked.key) };
    } catch (error) {
      return cannotBeEvaluated(error);
    }
  };
}

const cannotBeEvaluated = (error: unknown): LabelMisfit => ({
  problem: "cannot be evaluated",
  reason: errorMessage(error),
});

interface Entry {
  readonly asked: { readonly key: string; readonly wanted: readonly string[] };
  readonly matchesAll: boolean;
  fits(labels: Labels): boolean;
}

function compileEntry(source: string, value: string | readonly string[], traits: Traits): Entry {
  const [key] = expandTemplate(source, traits);
  const wanted = [value].flat().flatMap((item) => expandTemplate(item, traits));
  if (source === "*" && wanted.some((item) => item !== "*")) {
    throw new Error("the key * has only one value: *");
  }
  const patterns: LabelPattern[] = wanted.map(compileLabelPattern);
  return {
    // A key whose template gives nothing is that of no label.
    asked: { key: key ?? source, wanted },
    matchesAll: source === "*" && wanted.length > 0,
    fits(labels) {
      const held = key === undefined ? undefined : ownValue(labels, key);
      return held !== undefined && patterns.some((pattern) => pattern(held));
    },
  };
}

function ownValue(labels: Labels, key: string): string | undefined {
  return Object.hasOwn(labels, key) ? labels[key] : undefined;
}
