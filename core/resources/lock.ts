import type { Resource } from "./envelope.js";

/**
 * Whom a lock shuts out: all that is given has to fit. `node` is a host's UUID or name, `session` the id of one session
 * (ours).
 */
export interface LockTarget {
  user?: string;
  role?: string;
  login?: string;
  node?: string;
  session?: string;
}

/**
 * A lock, version 2 as of 7.1: while it is in force its target gets no certificate, no connection and no session, and
 * loses those it has.
 */
export type Lock = Resource<
  "lock",
  {
    target: LockTarget;
    /** Shown to those it shuts out. */
    message?: string;
    /** RFC 3339. Absent means until it is removed. */
    expires?: string;
    /**
     * Ours, RFC 3339: the lock holds only for certificates whose validity starts before this moment. A deleted user's
     * certificates stay refused by it when the name is given again.
     */
    issued_before?: string;
  }
>;
