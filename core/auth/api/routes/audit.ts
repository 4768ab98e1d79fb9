import { badParameter } from "../../../errors/error.js";
import { objectField, textField } from "../request-body.js";
import { count, ReplyWithHeaders, route, time, type RestCall, type Route } from "../route.js";

/** Header that carries where the next page of a search starts; 4.2's reply is a bare list. */
export const NEXT_PAGE_HEADER = "x-teleport-next-page";

const MONTH_MS = 30 * 24 * 3600_000;

/** Endpoints of the audit log. */
export const auditRoutes: readonly Route[] = [
  route("POST", "/events", (api, call) => {
    const body = call.body();
    const named = body.event ? objectField(body, "event") : {};
    const name = textField(named, "Name") || textField(body, "type");
    if (name === "") throw badParameter("the event has no name");
    return api.emitAuditEvent({
      ...objectField(body, "fields"),
      event: name,
      code: textField(named, "Code"),
    });
  }),
  route("GET", "/events", (api, call) => search(api, call, call.query("event"))),
  route("GET", "/events/session", (api, call) => search(api, call, ["session.start", "session.end"])),
];

async function search(
  api: Parameters<Route["handle"]>[0],
  call: RestCall,
  types: readonly string[],
): Promise<ReplyWithHeaders> {
  const now = new Date();
  const to = time(call, "to", now);
  const cursor = call.query("cursor")[0];
  const page = await api.searchEvents({
    from: time(call, "from", new Date(to.getTime() - MONTH_MS)),
    to,
    types: [...types],
    limit: count(call, "limit"),
    order: call.query("order")[0] === "newest-first" ? "newest-first" : "oldest-first",
    ...(cursor !== undefined && { cursor }),
  });
  return new ReplyWithHeaders(page.events, page.next === undefined ? {} : { [NEXT_PAGE_HEADER]: page.next });
}
