import { badParameter, notFound } from "../../errors/error.js";
import type { AuthApi } from "../client/api.js";
import type { JsonObject } from "./request-body.js";

/** One REST call as a handler sees it. */
export interface RestCall {
  /** A path parameter, decoded. Throws where the route has none of that name: that is a bug. */
  param(name: string): string;
  /** All values of a query parameter, in order. */
  query(name: string): readonly string[];
  /** The JSON body. Throws `bad_parameter` where there is none. */
  body(): JsonObject;
  /** `ip:port` of the caller. */
  readonly remoteAddress: string;
}

/** Bytes to send as they are, instead of JSON. */
export class RawReply {
  constructor(
    readonly bytes: Uint8Array,
    readonly contentType: string,
  ) {}
}

/** JSON with headers of ours beside it, where 4.2's body has no room for what we tell. */
export class ReplyWithHeaders {
  constructor(
    readonly body: unknown,
    readonly headers: Readonly<Record<string, string>>,
  ) {}
}

/** One endpoint. What `handle` resolves to is sent as JSON; undefined is sent as `{"message":"ok"}`. */
export interface Route {
  readonly method: "GET" | "POST" | "PUT" | "DELETE";
  /** Below the version prefix, in the router's syntax. */
  readonly path: string;
  readonly handle: (api: AuthApi, call: RestCall) => Promise<unknown>;
}

/** Declares an endpoint. */
export function route(method: Route["method"], path: string, handle: Route["handle"]): Route {
  return { method, path, handle };
}

/** A boolean query parameter; absent is false. Throws `bad_parameter`. */
export function flag(call: RestCall, name: string): boolean {
  const text = call.query(name)[0] ?? "";
  if (!["", "0", "1", "false", "true"].includes(text))
    throw badParameter(`query parameter '${name}' must be true or false`);
  return text === "true" || text === "1";
}

/** A non-negative integer query parameter; absent is 0. Throws `bad_parameter`. */
export function count(call: RestCall, name: string): number {
  const text = call.query(name)[0] ?? "0";
  const value = Number(text);
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(value)) {
    throw badParameter(`query parameter '${name}' must be a number that is not negative`);
  }
  return value;
}

/** A time in a query parameter, RFC 3339. Throws `bad_parameter`. */
export function time(call: RestCall, name: string, fallback: Date): Date {
  const text = call.query(name)[0];
  const value = text === undefined ? fallback : new Date(text);
  if (Number.isNaN(value.getTime())) throw badParameter(`query parameter '${name}' must be an RFC 3339 time`);
  return value;
}

/** Throws `not_found` unless the route's namespace is the only one there is. */
export function requireDefaultNamespace(call: Pick<RestCall, "param">): void {
  const namespace = call.param("namespace");
  if (namespace !== "default") throw notFound(`namespace '${namespace}' is not found`);
}
