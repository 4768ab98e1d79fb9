/**
 * Revisions and cursors of one backend mean nothing to another. The switchable storage marks each with the epoch of its
 * backend: 0 for the first that a cluster was kept in, one more with every move.
 */

/** A revision or cursor as callers of the switchable storage see it. */
export function tagged(epoch: number, value: string): string {
  return `${epoch}@${value}`;
}

/** The epoch and the backend's own text; undefined for a text that {@link tagged} did not make. */
export function untagged(text: string): { readonly epoch: number; readonly value: string } | undefined {
  const match = /^([0-9]{1,9})@(.*)$/s.exec(text);
  return match ? { epoch: Number(match[1]), value: match[2] ?? "" } : undefined;
}
