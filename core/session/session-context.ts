import type { RefusalAudit } from "../audit/refusal-audit.js";
import type { AuthApi } from "../auth/client/api.js";
import type { ClusterView } from "../auth/client/view.js";
import type { Clock } from "../plugin/clock.js";
import type { Logger } from "../plugin/logger.js";
import type { OpenSessions } from "./open-sessions.js";
import type { SessionRegistry } from "./session-registry.js";

/** Not at all, on this host until the session has ended, or straight to the auth server. */
export type RecordingWay = "none" | "stored" | "streamed";

/** How the cluster is configured to record sessions, at whichever host that is. */
export function configuredRecording(view: ClusterView): RecordingWay {
  const { session_recording: where, session_recording_sync: sync } = view.clusterConfig().spec;
  if (where === "off") return "none";
  return sync ? "streamed" : "stored";
}

/** What all connections and sessions of one server share: a node that runs them, or a proxy that records them. */
export interface SessionContext {
  readonly api: AuthApi;
  readonly view: ClusterView;
  /** The service, as messages to users name it. */
  readonly service: "node" | "proxy";
  /** The id of the host that the service runs on. */
  readonly serverId: string;
  readonly hostname: string;
  /** Where the sessions run, if not on this host: the UUID of a node, or `host:port` as the proxy dials it. */
  readonly target?: string;
  readonly namespace: string;
  /** Static labels and results of label commands. */
  readonly labels: () => Record<string, string>;
  readonly dataDir: string;
  /** What becomes of a session whose audit or recording cannot be written. */
  readonly auditPolicy: "strict" | "best_effort";
  /** How this service records the interactive sessions that start now. */
  readonly recording: () => RecordingWay;
  readonly sessions: SessionRegistry;
  readonly openSessions: Pick<OpenSessions, "add" | "remove" | "recover">;
  readonly refusals: RefusalAudit;
  /** Aborted when a closing service waits no longer for an auth service that is away. */
  readonly stopping: AbortSignal;
  readonly log: Logger;
  readonly clock: Clock;
}
