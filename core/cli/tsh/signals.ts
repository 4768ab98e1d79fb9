import { constants } from "node:os";

const ENDING = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/** A signal that tells the command to end. */
export type EndingSignal = (typeof ENDING)[number];

/** The exit code of a program that a signal ended. */
export function signalExitCode(signal: string): number {
  const number = (constants.signals as Partial<Record<string, number>>)[signal];
  return number === undefined ? 255 : 128 + number;
}

/**
 * Runs something until it is done or a signal comes, whichever is first; tells which. Nothing is stopped: on a signal
 * the caller closes what it has opened.
 */
export async function orSignal<T>(running: Promise<T>): Promise<{ value: T } | { signal: EndingSignal }> {
  let arrived: (signal: EndingSignal) => void = () => undefined;
  const signalled = new Promise<{ signal: EndingSignal }>((resolve) => {
    arrived = (signal) => resolve({ signal });
  });
  for (const signal of ENDING) process.on(signal, arrived);
  try {
    return await Promise.race([running.then((value) => ({ value })), signalled]);
  } finally {
    for (const signal of ENDING) process.off(signal, arrived);
  }
}
