/**
 * A signal that aborts with the first of several, for as long as it is needed: unlike `AbortSignal.any` it leaves
 * nothing behind on a signal that lives as long as the storage.
 */
export function linkSignals(sources: readonly AbortSignal[]): { signal: AbortSignal; unlink: () => void } {
  const linked = new AbortController();
  const undo: (() => void)[] = [];
  for (const source of sources) {
    const abort = (): void => linked.abort(source.reason);
    if (source.aborted) {
      abort();
    } else {
      source.addEventListener("abort", abort, { once: true });
      undo.push(() => source.removeEventListener("abort", abort));
    }
  }
  return { signal: linked.signal, unlink: () => undo.forEach((step) => step()) };
}
