import type { KeyState, Step } from "./history.js";

/**
 * Whether one order of the steps of one key explains all their answers: each call takes effect at one moment between
 * call and answer (Herlihy and Wing 1990; searched as by Wing and Gong 1993, with the visited states remembered).
 *
 * Returns undefined where there is such an order, else a text that shows how far one gets. `steps` must be sorted by
 * their calls.
 */
export function unexplained(steps: readonly Step[]): string | undefined {
  const repeated = repeatedRevision(steps);
  if (repeated !== undefined) {
    return `revision ${repeated} was given to two writes`;
  }
  const visited = new Set<string>();
  let farthest: readonly Step[] = [];
  let stuckIn: KeyState | undefined;

  const search = (done: bigint, state: KeyState | undefined, order: readonly Step[]): boolean => {
    if (order.length === steps.length) {
      return true;
    }
    const key = `${done}|${state ? `${state.revision} ${state.value} ${state.expiresMs}` : ""}`;
    if (visited.has(key)) {
      return false;
    }
    visited.add(key);
    if (order.length >= farthest.length) {
      farthest = order;
      stuckIn = state;
    }
    const left = steps.map((_, n) => n).filter((n) => !(done & (1n << BigInt(n))));
    // Whoever was called after somebody else had been answered cannot come before.
    const firstAnswer = Math.min(...left.map((n) => (steps[n] as Step).answered));
    for (const n of left) {
      const step = steps[n] as Step;
      if (step.called > firstAnswer) {
        break;
      }
      const after = step.after(state);
      if (after !== "impossible" && search(done | (1n << BigInt(n)), after, [...order, step])) {
        return true;
      }
    }
    return false;
  };

  return search(0n, undefined, []) ? undefined : explain(steps, farthest, stuckIn);
}

function explain(steps: readonly Step[], order: readonly Step[], state: KeyState | undefined): string {
  const line = ({ label, called, answered }: Step): string => `  ${called}-${answered} ${label}`;
  const left = steps.filter((step) => !order.includes(step));
  return [
    `no order explains the answers about ${steps[0]?.key ?? ""}; the longest one begins with`,
    ...order.slice(-6).map(line),
    `after which the key ${state ? `has revision ${state.revision}` : "is not there"}, so that none of these can follow:`,
    ...left.slice(0, 6).map(line),
  ].join("\n");
}

function repeatedRevision(steps: readonly Step[]): string | undefined {
  const seen = new Set<string>();
  return steps.find(({ wrote }) => wrote !== undefined && (seen.has(wrote) || !seen.add(wrote)))?.wrote;
}
