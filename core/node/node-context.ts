import type { SessionContext } from "../session/session-context.js";
import type { Account } from "./account.js";
import type { LaunchTools } from "./launcher.js";
import type { OpenSockets } from "./open-sockets.js";
import type { PipePool } from "./pipe-pool.js";
import type { LoginRecords } from "./login-records/login-records.js";
import type { NodeSettings } from "./settings.js";

/** What all connections and sessions of one node share. */
export interface NodeContext extends SessionContext {
  readonly settings: NodeSettings;
  readonly lookupAccount: (login: string) => Promise<Account>;
  readonly tools: LaunchTools;
  readonly pipes: PipePool;
  readonly openSockets: OpenSockets;
  /** Absent where the daemon is not root, and may not write them. */
  readonly loginRecords: LoginRecords | undefined;
}
