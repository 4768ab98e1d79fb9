/** The answer to "may they?". */
export type Decision =
  | {
      readonly allowed: true;
      /** The role that allowed it. */
      readonly role: string;
    }
  | {
      readonly allowed: false;
      /** Fit for the caller's eyes: does not tell which role or condition refused. */
      readonly publicText: string;
      /** For the log and the audit. */
      readonly reason: string;
    };

/** Allows, in the name of a role. */
export const allow = (role: string): Decision => ({ allowed: true, role });

/** Refuses. */
export const refuse = (publicText: string, reason: string): Decision => ({
  allowed: false,
  publicText,
  reason,
});
