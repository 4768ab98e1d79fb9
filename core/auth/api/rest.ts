import type { FastifyInstance, FastifyRequest } from "fastify";
import type { AuthApi } from "../client/api.js";
import { API_HEADERS, sendJson } from "./reply.js";
import { asObject } from "./request-body.js";
import { RawReply, ReplyWithHeaders, type RestCall, type Route } from "./route.js";
import { auditRoutes } from "./routes/audit.js";
import { clusterRoutes, trustRoutes } from "./routes/cluster.js";
import { joiningRoutes } from "./routes/joining.js";
import { presenceRoutes } from "./routes/presence.js";
import { connectionRoutes } from "./routes/connections.js";
import { sessionRoutes } from "./routes/sessions.js";
import { storageAdminRoutes } from "./routes/storage-admin.js";
import { storageRoutes } from "./routes/storage.js";
import { userRoutes } from "./routes/users.js";

const ROUTES: readonly Route[] = [
  ...clusterRoutes,
  ...trustRoutes,
  ...userRoutes,
  ...joiningRoutes,
  ...presenceRoutes,
  ...sessionRoutes,
  ...connectionRoutes,
  ...auditRoutes,
  ...storageAdminRoutes,
  ...storageRoutes,
];

/** Registers every endpoint that answers JSON below `prefix` (wire.md §5.3). */
export function registerRest(
  app: FastifyInstance,
  prefix: string,
  callOf: (request: FastifyRequest) => { api: AuthApi; remoteAddress: string },
): void {
  for (const { method, path, handle } of ROUTES) {
    app.route({
      method,
      url: prefix + path,
      handler: async (request, reply) => {
        const { api, remoteAddress } = callOf(request);
        const result = await handle(api, restCall(request, remoteAddress));
        if (result instanceof RawReply) {
          return reply
            .headers(API_HEADERS)
            .header("content-type", result.contentType)
            .send(Buffer.from(result.bytes));
        }
        if (result instanceof ReplyWithHeaders) return sendJson(reply.headers(result.headers), result.body);
        return sendJson(reply, result === undefined ? { message: "ok" } : result);
      },
    });
  }
}

/** Paths of clients from before namespaces, as 4.2 rewrites them. */
export function rewriteUrl(url: string): string {
  return url.replace(/^\/(v[12])\/(nodes|sessions)(?=[/?]|$)/, "/$1/namespaces/default/$2");
}

function restCall(request: FastifyRequest, remoteAddress: string): RestCall {
  const params = request.params as Record<string, string>;
  const query = request.query as Record<string, string | string[] | undefined>;
  return {
    remoteAddress,
    param: (name) => {
      const value = params[name];
      if (value === undefined)
        throw new Error(`route ${request.routeOptions.url} has no parameter '${name}'`);
      return value;
    },
    query: (name) => [query[name] ?? []].flat(),
    body: () => asObject(request.body),
  };
}
