import type { Clock } from "../plugin/clock.js";
import { startTimer } from "./timer.js";

/** How often to probe a silent peer, and how many probes it may miss. */
export interface KeepAliveLimits {
  /** 0 = never. */
  readonly keepAliveIntervalMs: number;
  readonly keepAliveCountMax: number;
}

/** Sends a probe, and is told when the peer is given up. */
export interface KeepAliveActions {
  /** Settles when the peer answers, whatever it says. */
  probe(): Promise<unknown>;
  lost(): void;
}

/** Probes the peer at an interval until the returned function is called; too many probes without an answer end it. */
export function keepAlive(limits: KeepAliveLimits, clock: Clock, actions: KeepAliveActions): () => void {
  if (limits.keepAliveIntervalMs <= 0) return () => undefined;
  let missed = 0;
  let cancel: () => void;
  const beat = (): void => {
    if (missed >= limits.keepAliveCountMax) {
      actions.lost();
      return;
    }
    missed++;
    void actions.probe().then(() => {
      missed = 0;
    });
    cancel = startTimer(clock, limits.keepAliveIntervalMs, beat);
  };
  cancel = startTimer(clock, limits.keepAliveIntervalMs, beat);
  return () => cancel();
}
