import type { Program } from "./program.js";
import type { SessionAudit } from "./session-audit.js";
import type { RecordingWay, SessionContext } from "./session-context.js";
import type { SessionProcess } from "./session-process.js";

/** What a session that has just started consists of. */
export interface SessionParts {
  readonly context: SessionContext;
  readonly program: Program;
  readonly recording: RecordingWay;
  readonly audit: SessionAudit;
  readonly process: SessionProcess;
}

/** Told to users whose session ends because of `audit.failed`; the error may name files of this host, and is in the log. */
export function unrecordable({ context: { service }, recording }: SessionParts): string {
  return recording === "streamed"
    ? `its recording does not reach the auth server; the ${service}'s log says why`
    : `its audit or recording cannot be written; the ${service}'s log says why`;
}
