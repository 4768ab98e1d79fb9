/** The part of the proxy's HTTPS API that tsh, joining hosts and the signup page use (wire.md §2). */
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { AuthApi } from "../../auth/client/api.js";
import type { Clock } from "../../plugin/clock.js";
import { badParameter, unavailable } from "../../errors/error.js";
import { MIN_CLIENT_VERSION, VERSION } from "../../grammar/version.js";
import type { WebSession } from "../../resources/session.js";
import { socketAddresses } from "../../ssh/socket-addresses.js";
import { certsBody, credentialsBody, readBody, signupBody } from "./request-body.js";
import { pingProxy, type AdvertisedAddresses } from "./settings.js";

/** Web sessions are renewed by the browser before their bearer token ends. */
const SESSION_COOKIE = "session";

/** What the API needs. */
export interface WebApiOptions {
  readonly api: AuthApi;
  readonly addresses: AdvertisedAddresses;
  readonly clock: Clock;
}

/** Adds the routes, under `/webapi` and `/v1/webapi` alike. */
export function registerWebApi(app: FastifyInstance, options: WebApiOptions): void {
  for (const prefix of ["/webapi", "/v1/webapi"]) {
    app.register(async (routes) => addRoutes(routes, options), { prefix });
  }
}

function addRoutes(app: FastifyInstance, { api, addresses, clock }: WebApiOptions): void {
  const proxy = pingProxy(addresses);

  app.get("/ping", async () => ({
    auth: await authSettings(api),
    proxy,
    server_version: VERSION,
    min_client_version: MIN_CLIENT_VERSION,
  }));

  app.get<{ Params: { connector: string } }>("/ping/:connector", async (request) => {
    const { connector } = request.params;
    if (connector !== "local") throw badParameter(`invalid connector name ${connector}`);
    return { auth: await authSettings(api), proxy, server_version: VERSION, min_client_version: "" };
  });

  app.get("/find", () => ({
    auth: { type: "" },
    proxy,
    server_version: VERSION,
    min_client_version: MIN_CLIENT_VERSION,
  }));

  app.post("/ssh/certs", async (request) => {
    const body = readBody(certsBody, request.body);
    const password = Buffer.from(body.password).toString("base64");
    const token = body.otp_token || body.hotp_token;
    return api.authenticateSsh({
      username: body.user,
      ...(token === "" ? { pass: { password } } : { otp: { password, token } }),
      public_key: body.pub_key,
      ttl: body.ttl,
      compatibility_mode: body.compatibility,
      route_to_cluster: body.RouteToCluster,
      remote_addr: clientAddress(request),
    });
  });

  // Ours: joining hosts compare it with their CA pin before they send a token.
  app.get("/host/authority", async () => ({
    tls_ca: Buffer.from(await api.getClusterCaCert()).toString("base64"),
  }));

  app.post("/host/credentials", async (request) => {
    const body = readBody(credentialsBody, request.body);
    return api.registerUsingToken({ ...body, remote_addr: clientAddress(request) });
  });

  app.get<{ Params: { token: string } }>("/users/invites/:token", async (request) => {
    const { token, user, qr, otp_key } = await api.getSignupToken(
      request.params.token,
      clientAddress(request),
    );
    return { invite_token: token, user, qr, otp_key };
  });

  app.post("/users", async (request, reply) => {
    const body = readBody(signupBody, request.body);
    const session = await api.createUserWithToken({
      token: body.invite_token,
      password: body.pass,
      otp_token: body.second_factor_token,
      remote_addr: clientAddress(request),
    });
    return startSession(reply, session, clock.now());
  });
}

async function authSettings(api: AuthApi): Promise<{ type: string; second_factor: string }> {
  const { type, second_factor } = (await api.getAuthPreference()).spec;
  return { type, second_factor };
}

/** The reply of every web login: a bearer token in the body, the session in a cookie (features.md §6.5). */
function startSession(
  reply: FastifyReply,
  { metadata, spec }: WebSession,
  now: Date,
): { type: string; token: string; expires_in: number } {
  const cookie = Buffer.from(JSON.stringify({ user: spec.user, sid: metadata.name })).toString("hex");
  reply.header("Set-Cookie", `${SESSION_COOKIE}=${cookie}; Path=/; HttpOnly; Secure; SameSite=Lax`);
  const leftMs = Date.parse(spec.bearer_token_expires) - now.getTime();
  return { type: "Bearer", token: spec.bearer_token, expires_in: Math.max(0, Math.floor(leftMs / 1000)) };
}

/** The client as `ip:port`. Throws `unavailable` for one that has gone: its attempts must count against somebody. */
function clientAddress(request: FastifyRequest): string {
  const addresses = socketAddresses(request.socket);
  if (!addresses) throw unavailable("the client has closed its connection");
  return addresses.remote;
}
