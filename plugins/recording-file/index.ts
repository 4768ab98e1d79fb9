/** `recording.file`: session recordings as `<dir>/<session id>.tar`. */
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { badParameter, definePlugin, z } from "@teleport/plugin";
import { createFileStore } from "./store.js";

export default definePlugin({
  id: "recording.file",
  kind: "recording",
  apiVersion: "^1.0.0",
  schema: z.strictObject({}),
  create(_settings, { dataDir, hostId, uri }) {
    const store = createFileStore(directoryOf(dataDir, hostId, uri));
    return { product: store, start: () => store.start(), close: () => store.close() };
  },
});

/** The directory of `audit_sessions_uri`; without one, that where 4.2 keeps recordings, `log/<uuid>/sessions/default`. */
function directoryOf(dataDir: string, hostId: string, uri: URL | undefined): string {
  if (uri === undefined) {
    return join(dataDir, "log", hostId, "sessions", "default");
  }
  if (uri.host !== "") {
    throw badParameter(
      `audit_sessions_uri ${uri.href} names a host; write file:///${uri.host}${uri.pathname} for a path`,
    );
  }
  // `file://` has this path, too.
  if (/^\/+$/.test(uri.pathname)) {
    throw badParameter("audit_sessions_uri names no folder; leave it out for the default");
  }
  return fileURLToPath(uri);
}
