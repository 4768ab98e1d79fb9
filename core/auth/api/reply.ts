import type { FastifyReply } from "fastify";
import { errorChain } from "../../errors/error.js";
import type { Logger } from "../../plugin/logger.js";
import { httpStatusOf, publicMessage } from "../client/error-mapping.js";

/** Headers of every reply of the REST API. */
export const API_HEADERS = {
  "cache-control": "no-cache, no-store, must-revalidate",
  "pragma": "no-cache",
  "expires": "0",
};

/** Sends an error in the shape of wire.md §0.2; what the caller must not see goes to the log. */
export function sendError(reply: FastifyReply, error: unknown, log: Logger): FastifyReply {
  const status = httpStatusOf(error);
  if (status === 500) {
    log.error("request failed", { url: reply.request.routeOptions.url, error: errorChain(error) });
  }
  return sendJson(reply.code(status), { message: publicMessage(error) });
}

/** Sends JSON with the API's headers. */
export function sendJson(reply: FastifyReply, body: unknown): FastifyReply {
  // Without a charset: that is how 4.2 writes the type.
  return reply
    .headers(API_HEADERS)
    .header("content-type", "application/json")
    .send(Buffer.from(JSON.stringify(body)));
}
