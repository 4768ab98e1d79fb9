import type { TerminalSize } from "./session-process.js";

/**
 * The size of a terminal that several share: the smallest of theirs in each direction, so that everybody sees all of it.
 * Undefined where nobody has a size.
 */
export function sharedSize(sizes: readonly TerminalSize[]): TerminalSize | undefined {
  if (sizes.length === 0) return undefined;
  return {
    columns: Math.min(...sizes.map(({ columns }) => columns)),
    rows: Math.min(...sizes.map(({ rows }) => rows)),
  };
}

/** Whether two sizes are the same; no size is the same as none. */
export function sameSize(a: TerminalSize | undefined, b: TerminalSize | undefined): boolean {
  return a?.columns === b?.columns && a?.rows === b?.rows;
}
