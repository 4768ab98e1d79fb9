/**
 * Listens to a program's streams. Each call is for one piece of a direction, in order; where it returns a promise, the
 * piece is passed on once that has resolved, and never where it rejects: then the session has to end.
 */
export interface StreamTap {
  /** What the client sends to the program. */
  input(chunk: Buffer): Promise<void> | undefined;
  /** What the program sends to the client. */
  output(chunk: Buffer): Promise<void> | undefined;
  /** Both directions have ended. */
  end(): Promise<void>;
}
