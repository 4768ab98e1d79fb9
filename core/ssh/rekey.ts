import type { Clock } from "../plugin/clock.js";
import { startTimer } from "./timer.js";

/** When to exchange keys again (RFC 4253 §9). */
export interface RekeyLimits {
  /** After so many encrypted bytes in either direction. */
  readonly rekeyBytes: number;
  /** After so long. */
  readonly rekeyIntervalMs: number;
}

/** Begins a key exchange when bytes or time are used up; an exchange that the peer begins restarts the count too. */
export class RekeySchedule {
  readonly #limits: RekeyLimits;
  readonly #clock: Clock;
  readonly #begin: () => void;
  #sentBytes = 0;
  #receivedBytes = 0;
  #cancelTimer: () => void = () => undefined;

  constructor(limits: RekeyLimits, clock: Clock, begin: () => void) {
    this.#limits = limits;
    this.#clock = clock;
    this.#begin = begin;
    this.restart();
  }

  sent(bytes: number): void {
    this.#sentBytes += bytes;
    if (this.#sentBytes >= this.#limits.rekeyBytes) this.#due();
  }

  received(bytes: number): void {
    this.#receivedBytes += bytes;
    if (this.#receivedBytes >= this.#limits.rekeyBytes) this.#due();
  }

  /** A key exchange is done. */
  restart(): void {
    this.stop();
    this.#sentBytes = 0;
    this.#receivedBytes = 0;
    this.#cancelTimer = startTimer(this.#clock, this.#limits.rekeyIntervalMs, () => this.#due());
  }

  /** The connection is gone. */
  stop(): void {
    this.#cancelTimer();
  }

  #due(): void {
    this.#sentBytes = 0;
    this.#receivedBytes = 0;
    this.#begin();
  }
}
