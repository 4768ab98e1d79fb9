/** The host that the daemon runs on, as the cluster knows it. */
export interface Host {
  /** UUID of the data directory. */
  readonly id: string;
  /** `nodename`. */
  readonly name: string;
}
