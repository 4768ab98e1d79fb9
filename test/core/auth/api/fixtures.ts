import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** A captured request to a 4.2 auth server and its reply. A body that starts with `hex:` is bytes. */
export interface RestExchange {
  name: string;
  method: "GET" | "POST" | "PUT" | "DELETE";
  url: string;
  headers: Record<string, string>;
  body: unknown;
  status: number;
  contentType: string;
  reply: unknown;
}

/** A captured message with what it says. */
export interface CapturedMessage {
  hex: string;
  json: Record<string, unknown>;
  type: string;
}

/** A captured gRPC call, or one message of a stream. */
export interface GrpcCapture {
  "method": string;
  "request"?: CapturedMessage;
  "response"?: CapturedMessage;
  "client->server"?: CapturedMessage;
  "server->client"?: CapturedMessage;
}

export const restExchanges = read("rest-exchanges.json") as RestExchange[];
export const grpcCaptures = read("grpc-messages.json") as GrpcCapture[];

/** The exchange of this name. */
export function restExchange(name: string): RestExchange {
  const exchange = restExchanges.find((candidate) => candidate.name === name);
  if (!exchange) throw new Error(`no fixture '${name}'`);
  return exchange;
}

function read(name: string): unknown {
  return JSON.parse(
    readFileSync(
      fileURLToPath(new URL(`../../../../../test/fixtures/auth-api/${name}`, import.meta.url)),
      "utf8",
    ),
  );
}
