import type { AuthApi } from "../auth/client/api.js";
import type { NodeContext } from "./node-context.js";

const nothing = (): Promise<void> => Promise.resolve();

/** The calls by which a node tells of its sessions. */
const UNTOLD = {
  emitAuditEvent: nothing,
  postSessionSlice: nothing,
  createSession: nothing,
  updateSession: nothing,
  deleteSession: nothing,
} satisfies Partial<AuthApi>;

/**
 * The context of a connection that a proxy of the cluster records: all that happens on it is told by the proxy, under its
 * own session ids. Logins that are refused are still told by the node.
 */
export function recordedElsewhere(context: NodeContext): NodeContext {
  return {
    ...context,
    api: { ...context.api, ...UNTOLD },
    openSessions: { add: nothing, remove: nothing, recover: nothing },
    records: () => false,
  };
}
