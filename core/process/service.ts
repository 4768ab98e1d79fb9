/** One service of the daemon. */
export interface Service {
  /** Stops taking new work and resolves when the last session has ended. */
  drain(): Promise<void>;
  /** Ends everything. Idempotent. */
  close(): Promise<void>;
}
