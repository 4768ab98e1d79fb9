import { numberField } from "../request-body.js";
import { route, type Route } from "../route.js";

/** Endpoints of the cluster's storage itself, ours. */
export const storageRoutes: readonly Route[] = [
  route("POST", "/storage/bench", (api, call) => {
    const body = call.body();
    return api.benchStorage({
      duration_ms: numberField(body, "duration_ms"),
      in_flight: numberField(body, "in_flight"),
      value_bytes: numberField(body, "value_bytes"),
    });
  }),
];
