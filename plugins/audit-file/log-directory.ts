import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { badParameter } from "@teleport/plugin";

/** Where the log lies. */
export interface LogDirectory {
  /** Holds the daily files. */
  readonly directory: string;
  /** The symbolic link to the current one. */
  readonly link: string;
}

/**
 * The place that `audit_events_uri` names, or 4.2's default: `<data_dir>/log/<host uuid>` with the link one level
 * above, where scripts expect it. Throws `bad_parameter` for a URI that names another host, or no folder.
 */
export function logDirectory(dataDir: string, hostId: string, uri?: URL): LogDirectory {
  if (uri === undefined) {
    const directory = join(dataDir, "log", hostId);
    return { directory, link: join(dataDir, "log", "events.log") };
  }
  if (uri.host !== "") {
    throw badParameter(
      `audit_events_uri ${uri.href} names a host; write file:///${uri.host}${uri.pathname} for a path`,
    );
  }
  // `file://` has this path, too.
  if (/^\/+$/.test(uri.pathname)) {
    throw badParameter("audit_events_uri names no folder; leave it out for the default");
  }
  const directory = fileURLToPath(uri);
  return { directory, link: join(directory, "events.log") };
}
