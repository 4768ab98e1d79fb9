import { badParameter } from "../../../errors/error.js";
import { isUuidInAnyCase } from "../../../grammar/uuid.js";
import type { LiveSession, LiveSessionUpdate } from "../../../resources/session.js";
import { objectField } from "../request-body.js";
import { count, RawReply, requireDefaultNamespace, route, type RestCall, type Route } from "../route.js";

/** Most bytes of a recording that one reply carries, as in 4.2. */
export const MAX_STREAM_BYTES = 5 * 1024 * 1024;

/** Endpoints of live sessions and of recorded ones, those of journals, pages, timelines and screens unknown to 4.2; bodies that are no JSON are taken in recording-routes.ts. */
export const sessionRoutes: readonly Route[] = [
  route("GET", "/namespaces/:namespace/sessions", (api, call) => api.getSessions(call.param("namespace"))),
  route("POST", "/namespaces/:namespace/sessions", (api, call) => {
    requireDefaultNamespace(call);
    return api.createSession({ ...objectField(call.body(), "session"), namespace: "default" } as LiveSession);
  }),
  route("GET", "/namespaces/:namespace/sessions/:id", (api, call) =>
    api.getSession(call.param("namespace"), sessionId(call)),
  ),
  route("PUT", "/namespaces/:namespace/sessions/:id", (api, call) => {
    requireDefaultNamespace(call);
    const update = { ...objectField(call.body(), "update"), id: sessionId(call), namespace: "default" };
    return api.updateSession(update as LiveSessionUpdate);
  }),
  route("DELETE", "/namespaces/:namespace/sessions/:id", (api, call) =>
    api.deleteSession(call.param("namespace"), sessionId(call)),
  ),
  route("POST", "/namespaces/:namespace/sessions/:id/journal/end", (api, call) => {
    requireDefaultNamespace(call);
    return api.finishSessionJournal(sessionId(call));
  }),
  route("GET", "/namespaces/:namespace/sessions/:id/stream", async (api, call) => {
    requireDefaultNamespace(call);
    const bytes = count(call, "bytes");
    const wanted = bytes === 0 ? MAX_STREAM_BYTES : Math.min(bytes, MAX_STREAM_BYTES);
    const chunk = await api.getSessionChunk(sessionId(call), count(call, "offset"), wanted);
    return new RawReply(chunk, "application/octet-stream");
  }),
  route("GET", "/namespaces/:namespace/sessions/:id/events", (api, call) => {
    requireDefaultNamespace(call);
    return api.getSessionEvents(sessionId(call), count(call, "after"));
  }),
  route("GET", "/namespaces/:namespace/sessions/:id/events/page", (api, call) => {
    requireDefaultNamespace(call);
    return api.getSessionEventPage(sessionId(call), call.query("cursor")[0]);
  }),
  route("GET", "/namespaces/:namespace/sessions/:id/timeline", (api, call) => {
    requireDefaultNamespace(call);
    const byTime = call.query("ms").length > 0;
    const start = byTime ? { elapsedMs: count(call, "ms") } : { index: count(call, "index") };
    return api.getSessionTimeline(sessionId(call), start, count(call, "limit"));
  }),
  route("GET", "/namespaces/:namespace/sessions/:id/screen", (api, call) => {
    requireDefaultNamespace(call);
    return api.getSessionScreen(sessionId(call), count(call, "index"));
  }),
];

/** The session that a call is about. Throws `bad_parameter` for what is no UUID, since ids become file names. */
export function sessionId(call: Pick<RestCall, "param">): string {
  const id = call.param("id");
  if (!isUuidInAnyCase(id)) {
    throw badParameter(`'${id}' is not a valid session id`);
  }
  return id;
}
