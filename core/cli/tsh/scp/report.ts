import type { ScpProgress } from "./progress.js";

/** Told what a copy does; failures of single files do not end it. */
export interface ScpReport {
  /** The files as they are copied. */
  readonly progress: ScpProgress;
  failure(message: string): void;
}
