/**
 * Reads a source ahead of its reader, up to a bounded weight; then the source has to wait. Ends as the source ends, after
 * all that it gave.
 */
export async function* readAhead<T>(
  source: AsyncIterable<T>,
  weight: (value: T) => number,
  limit: number,
): AsyncGenerator<T> {
  const queue: T[] = [];
  let held = 0;
  let left = false;
  let end: { readonly error?: unknown } | undefined;
  let wakeReader = (): void => undefined;
  let wakeSource = (): void => undefined;

  const pump = async (): Promise<void> => {
    for await (const value of source) {
      queue.push(value);
      held += weight(value);
      wakeReader();
      while (held >= limit && !left) await new Promise<void>((resolve) => (wakeSource = resolve));
      if (left) return;
    }
  };
  void pump()
    .then(
      () => (end = {}),
      (error: unknown) => (end = { error }),
    )
    .finally(() => wakeReader());

  try {
    for (;;) {
      const value = queue.shift();
      if (value !== undefined) {
        held -= weight(value);
        wakeSource();
        yield value;
      } else if (end) {
        if ("error" in end) throw end.error;
        return;
      } else {
        await new Promise<void>((resolve) => (wakeReader = resolve));
      }
    }
  } finally {
    left = true;
    wakeSource();
  }
}
