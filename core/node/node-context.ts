import type { RefusalAudit } from "../audit/refusal-audit.js";
import type { AuthApi } from "../auth/client/api.js";
import type { ClusterView } from "../auth/client/view.js";
import type { Clock } from "../plugin/clock.js";
import type { Logger } from "../plugin/logger.js";
import type { Account } from "./account.js";
import type { LaunchTools } from "./launcher.js";
import type { OpenSessions } from "./open-sessions.js";
import type { PipePool } from "./pipe-pool.js";
import type { SessionRegistry } from "./session-registry.js";
import type { NodeSettings } from "./settings.js";

/** What all connections and sessions of one node share. */
export interface NodeContext {
  readonly api: AuthApi;
  readonly view: ClusterView;
  readonly hostId: string;
  readonly hostname: string;
  readonly settings: NodeSettings;
  readonly dataDir: string;
  /** Static labels and results of label commands. */
  readonly labels: () => Record<string, string>;
  readonly lookupAccount: (login: string) => Promise<Account>;
  readonly tools: LaunchTools;
  readonly pipes: PipePool;
  readonly sessions: SessionRegistry;
  readonly openSessions: OpenSessions;
  readonly refusals: RefusalAudit;
  /** Aborted when a closing node waits no longer for an auth service that is away. */
  readonly stopping: AbortSignal;
  readonly log: Logger;
  readonly clock: Clock;
}
