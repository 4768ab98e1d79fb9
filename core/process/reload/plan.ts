/** What a reload would do, key by key. */
import type { PositionedNode } from "../../document/positioned.js";
import { sameSettings } from "../../storage/migration/find-cluster.js";
import type { StoreSettings } from "../../storage/migration/records.js";
import { settingsText } from "../../storage/migration/settings-text.js";
import { changedKeys } from "./changed-keys.js";

/** What happens to one key. */
export interface PlannedKey {
  readonly key: string;
  readonly effect: "moved while serving" | "unchanged" | "needs a restart";
  /** What exactly, or why. */
  readonly note: string;
}

/** A plan. */
export interface ReloadPlan {
  readonly keys: readonly PlannedKey[];
  /** Where the cluster is to go; absent where it stays. */
  readonly moveTo?: StoreSettings | undefined;
}

/** Keys of `teleport.storage` that belong to audit events, recordings and the log, not to the backend. */
const NOT_THE_BACKEND = /^teleport\.storage\.(audit_\w+|slow_operation_threshold)(\.|$)/;

/** Whether a key says where the cluster is kept. */
export function isStorageKey(key: string): boolean {
  return /^teleport\.storage(\.|$)/.test(key) && !NOT_THE_BACKEND.test(key);
}

/** What the plan is made of. */
export interface PlanInput {
  /** What the daemon runs with. */
  readonly running: PositionedNode | undefined;
  readonly next: PositionedNode;
  /** Where the cluster is, and where the next configuration wants it; absent in a process without an auth service. */
  readonly storage?: { readonly current: StoreSettings; readonly wanted: StoreSettings } | undefined;
}

/** Plans a reload. */
export function planReload({ running, next, storage }: PlanInput): ReloadPlan {
  const changed = changedKeys(running, next).map(({ key }) => key);
  const others = changed
    .filter((key) => !isStorageKey(key))
    .map((key): PlannedKey => ({ key, effect: "needs a restart", note: "it is read at the start only" }));
  if (!storage) {
    const unused = changed.some(isStorageKey)
      ? [key("unchanged", "this daemon runs no auth service, which alone uses it")]
      : [];
    return { keys: [...unused, ...others] };
  }
  const { current, wanted } = storage;
  if (!sameSettings(current, wanted)) {
    const note = `from ${settingsText(current)} to ${settingsText(wanted)}`;
    return { keys: [key("moved while serving", note), ...others], moveTo: wanted };
  }
  const agreed = changed.some(isStorageKey) ? [key("unchanged", "the cluster is there already")] : [];
  return { keys: [...agreed, ...others] };
}

function key(effect: PlannedKey["effect"], note: string): PlannedKey {
  return { key: "teleport.storage", effect, note };
}
