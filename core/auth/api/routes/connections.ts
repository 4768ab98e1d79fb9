import { numberField } from "../request-body.js";
import { route, type Route } from "../route.js";

/** Endpoints of connections that are counted, ours: the places that a role's `max_connections` gives a user. */
export const connectionRoutes: readonly Route[] = [
  route("PUT", "/connections/:user/:id", (api, call) =>
    api.holdConnectionPlace({
      user: call.param("user"),
      id: call.param("id"),
      max: numberField(call.body(), "max"),
    }),
  ),
  route("DELETE", "/connections/:user/:id", (api, call) =>
    api.releaseConnectionPlace(call.param("user"), call.param("id")),
  ),
];
