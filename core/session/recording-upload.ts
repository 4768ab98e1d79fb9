/** Sends finished recordings to auth, and finishes what an earlier process left behind. */
import type { PendingAuditEvent } from "../audit/catalogue.js";
import { errorChain } from "../errors/error.js";
import { recoverRecordings } from "../recording/recovery.js";
import { createUploader } from "../recording/uploader.js";
import type { SessionContext } from "./session-context.js";
import { recordingDirectory } from "./recording-directory.js";
import { retryWhileUnavailable } from "./retry.js";

const RETRY_FOR_MS = 60 * 60_000;

/** What the upload needs of a service. */
export type RecordingUploadContext = Pick<
  SessionContext,
  "api" | "dataDir" | "openSessions" | "clock" | "log"
>;

/** The running upload. */
export interface RecordingUpload {
  /** Sends what is ready once more, then stops. What is left is sent after the next start. Idempotent. */
  close(): Promise<void>;
}

/** Starts the upload of this service's recordings. */
export function startRecordingUpload(context: RecordingUploadContext): RecordingUpload {
  const { api, dataDir, clock, log } = context;
  const directory = recordingDirectory(dataDir);
  const uploader = createUploader({
    directory,
    upload: (sessionId, archive) => api.uploadSessionRecording(sessionId, archive.stream()),
    clock,
    log,
  });
  const stop = new AbortController();
  const recovering = recover(context, directory, stop.signal).catch((error: unknown) => {
    log.error("sessions of an earlier run could not be finished", { error: errorChain(error) });
  });
  let closing: Promise<void> | undefined;
  const close = async (): Promise<void> => {
    stop.abort();
    await recovering;
    await uploader.scan();
    await uploader.close();
  };
  return { close: () => (closing ??= close()) };
}

/** The sessions of a killed process ended with it: their end is added to the audit log, and to the recording where there is one. */
async function recover(
  context: RecordingUploadContext,
  directory: string,
  signal: AbortSignal,
): Promise<void> {
  const { api, clock, log } = context;
  const emit = (end: PendingAuditEvent): Promise<void> =>
    retryWhileUnavailable(() => api.emitAuditEvent(end), { clock, forMs: RETRY_FOR_MS, signal });
  for (const { sessionId, end } of await recoverRecordings(directory, { log })) {
    log.warn("a recording of an earlier run was finished", { sid: sessionId });
    if (end === undefined) continue;
    await emit({ ...end });
  }
  await context.openSessions.recover(emit);
}
