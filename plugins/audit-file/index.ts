/** `audit.file`: daily files of JSON lines, as 4.2 writes them (`<day>.00:00:00.log`, UTC), with search. */
import { definePlugin, z } from "@teleport/plugin";
import { logDirectory } from "./log-directory.js";
import { createFileAuditSink } from "./sink.js";

export default definePlugin({
  id: "audit.file",
  kind: "audit",
  apiVersion: "^1.0.0",
  schema: z.strictObject({}),
  create(_settings, { clock, log, dataDir, hostId, uri }) {
    const sink = createFileAuditSink({ ...logDirectory(dataDir, hostId, uri), clock, log });
    return {
      product: sink,
      start: () => sink.start(),
      close: () => sink.close(),
    };
  },
});
