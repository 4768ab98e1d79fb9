import { constants } from "node:os";

const ENDING = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/** A signal that tells the command to end. */
export type EndingSignal = (typeof ENDING)[number];

/** The exit code of a program that a signal ended. */
export function signalExitCode(signal: string): number {
  const number = (constants.signals as Partial<Record<string, number>>)[signal];
  return number === undefined ? 255 : 128 + number;
}

/** All that wait for a signal; the process has one listener for them, however many there are. */
const waiting = new Set<(signal: EndingSignal) => void>();

function arrived(signal: EndingSignal): void {
  for (const tell of [...waiting]) tell(signal);
}

/**
 * Runs something until it is done or a signal comes, whichever is first; tells which. Nothing is stopped: on a signal
 * the caller closes what it has opened.
 */
export async function orSignal<T>(running: Promise<T>): Promise<{ value: T } | { signal: EndingSignal }> {
  let tell: (signal: EndingSignal) => void = () => undefined;
  const signalled = new Promise<{ signal: EndingSignal }>((resolve) => {
    tell = (signal) => resolve({ signal });
  });
  if (waiting.size === 0) for (const signal of ENDING) process.on(signal, arrived);
  waiting.add(tell);
  try {
    return await Promise.race([running.then((value) => ({ value })), signalled]);
  } finally {
    waiting.delete(tell);
    if (waiting.size === 0) for (const signal of ENDING) process.off(signal, arrived);
  }
}
