import type { NodeContext } from "./node-context.js";

/**
 * The context of a connection that a proxy of the cluster may record: from when `elsewhere` holds, all that happens on it is
 * told by the proxy alone, under its own session ids. Logins that are refused are told by the node in any case.
 */
export function unlessRecordedElsewhere(context: NodeContext, elsewhere: () => boolean): NodeContext {
  const { api, openSessions } = context;
  const unless =
    <A extends unknown[]>(tell: (...args: A) => Promise<void>) =>
    (...args: A): Promise<void> =>
      elsewhere() ? Promise.resolve() : tell(...args);
  return {
    ...context,
    api: {
      ...api,
      emitAuditEvent: unless((event) => api.emitAuditEvent(event)),
      postSessionSlice: unless((slice) => api.postSessionSlice(slice)),
      createSession: unless((session) => api.createSession(session)),
      updateSession: unless((update) => api.updateSession(update)),
      deleteSession: unless((namespace, id) => api.deleteSession(namespace, id)),
    },
    openSessions: {
      add: unless((id, end) => openSessions.add(id, end)),
      remove: unless((id) => openSessions.remove(id)),
      recover: (emit) => openSessions.recover(emit),
    },
    recording: () => (elsewhere() ? "none" : context.recording()),
  };
}
