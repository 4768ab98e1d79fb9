import type { Daemon } from "./daemon.js";

/** What a process holds, by its own metrics. */
export interface Held {
  readonly openFiles: number;
  /** Timers that wait. */
  readonly timers: number;
  readonly heapBytes: number;
}

/** Asks a daemon's diagnostics what it holds. */
export async function held(daemon: Daemon): Promise<Held> {
  const response = await fetch(`http://127.0.0.1:${daemon.ports.diag}/metrics`);
  const metrics = await response.text();
  const value = (name: string): number => {
    const line = metrics.split("\n").find((text) => text.startsWith(name));
    return line === undefined ? 0 : Number(line.slice(line.lastIndexOf(" ")));
  };
  return {
    openFiles: value("process_open_fds "),
    timers: value('nodejs_active_resources{type="Timeout"}'),
    heapBytes: value("nodejs_heap_size_used_bytes "),
  };
}
