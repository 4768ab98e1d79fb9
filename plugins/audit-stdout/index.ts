/** `audit.stdout`: one JSON line per event on the daemon's standard output, for log collectors. */
import { definePlugin, z } from "@teleport/plugin";
import { createStreamAuditSink } from "./sink.js";

export default definePlugin({
  id: "audit.stdout",
  kind: "audit",
  apiVersion: "^1.0.0",
  schema: z.strictObject({}),
  create() {
    const sink = createStreamAuditSink(process.stdout);
    return { product: sink, close: () => sink.close() };
  },
});
