import type { StorageCapabilities } from "../storage.js";
import type { CaseOutcome, ConformanceCase } from "./storage-conformance.js";

/** A capability as the backend states it, and whether the cases about it bear that out. */
export interface CapabilityRow {
  readonly capability: keyof StorageCapabilities;
  readonly stated: StorageCapabilities[keyof StorageCapabilities];
  /** `untested` where no case about it has run, or where none could fail: no verb depends on it. */
  readonly proven: "yes" | "no" | "untested";
}

/** The capabilities, each with what the outcomes of the cases say about it. */
export function capabilityMatrix(
  stated: StorageCapabilities,
  outcomes: readonly { readonly testCase: ConformanceCase; readonly outcome: CaseOutcome }[],
): CapabilityRow[] {
  const names = Object.keys(stated) as (keyof StorageCapabilities)[];
  return names.map((capability) => {
    const about = outcomes
      .filter(({ testCase, outcome }) => testCase.proves.includes(capability) && outcome.status !== "skipped")
      .map(({ outcome }) => outcome.status);
    const proven = about.length === 0 ? "untested" : about.includes("failed") ? "no" : "yes";
    return { capability, stated: stated[capability], proven };
  });
}
