/** The recording contract: where finished session recordings are kept. */

/** A stored recording. */
export interface StoredRecording {
  /** Where it lies, for the `session.upload` event: `file:///…/<sid>.tar`. */
  readonly url: string;
  readonly sizeBytes: number;
  /** Lower-case hex SHA-256 of the stored bytes. */
  readonly sha256: string;
}

/** A running recording store. Session ids are UUIDs; the archive is the uncompressed tar of wire.md §9.3. */
export interface RecordingStore {
  /** Stores an archive whole or not at all, durably. Storing the same id again replaces it. */
  upload(sessionId: string, archive: AsyncIterable<Uint8Array>): Promise<StoredRecording>;
  /** Streams an archive. Throws `not_found`. */
  download(sessionId: string): AsyncIterable<Uint8Array>;
  /** What is stored under the id. Throws `not_found`. */
  stat(sessionId: string): Promise<StoredRecording>;
  close(): Promise<void>;
}
