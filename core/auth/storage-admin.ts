import type {
  ConfigurationFile,
  StartedMove,
  StorageStatus,
  StorageVerification,
} from "../resources/storage-status.js";

/** What administrators do with the storage of a cluster that is being served. */
export interface StorageAdmin {
  /**
   * Starts to move the cluster into the storage that a file names, and returns once the move is under way, or still at its
   * checks after a while. `by` is the user who asks, where a user does.
   *
   * Throws, with nothing changed: `config` with every problem of the file, and otherwise what is in the way, such as
   * `bad_parameter` for a target that holds another cluster and `unavailable` for one that cannot be reached.
   */
  start(file: ConfigurationFile, by?: string): Promise<StartedMove>;
  /** Where the cluster is, and what moves. Throws `unavailable`. */
  status(): Promise<StorageStatus>;
  /** Ends the move that is under way, whoever leads it. Throws `bad_parameter` where there is none to end. */
  abort(by?: string): Promise<void>;
  /**
   * Starts to read every item of the storage, and to compare with that of a file, or with the target of a move that is
   * under way. Throws `limit_exceeded` while another verification runs here, and what {@link start} throws of the file.
   */
  verify(against?: ConfigurationFile): Promise<StorageVerification>;
  /** How far a verification is. Throws `not_found` for one that this server does not know. */
  verification(id: string): Promise<StorageVerification>;
}
