/** Sends finished recordings to auth, and finishes those that an earlier process left behind. */
import { errorChain } from "../errors/error.js";
import { recoverRecordings } from "../recording/recovery.js";
import { createUploader } from "../recording/uploader.js";
import type { NodeContext } from "./node-context.js";
import { recordingDirectory } from "./recording-directory.js";

/** The running upload. */
export interface RecordingUpload {
  /** Sends what is ready once more, then stops. What is left is sent after the next start. */
  close(): Promise<void>;
}

/** Starts the upload of this node's recordings. */
export function startRecordingUpload(context: NodeContext): RecordingUpload {
  const { api, dataDir, clock, log } = context;
  const directory = recordingDirectory(dataDir);
  const uploader = createUploader({
    directory,
    upload: (sessionId, archive) => api.uploadSessionRecording(sessionId, archive.stream()),
    clock,
    log,
  });
  const recovering = recover(context, directory).catch((error: unknown) => {
    log.error("recordings of an earlier run could not be finished", { error: errorChain(error) });
  });
  return {
    close: async () => {
      await recovering;
      await uploader.scan();
      await uploader.close();
    },
  };
}

/** The sessions of a killed process ended with it: their end is added to the recording and to the audit log. */
async function recover({ api, log }: NodeContext, directory: string): Promise<void> {
  for (const { sessionId, end } of await recoverRecordings(directory, { log })) {
    log.warn("a recording of an earlier run was finished", { sid: sessionId });
    if (end !== undefined) await api.emitAuditEvent(end);
  }
}
