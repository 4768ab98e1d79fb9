import { createClient } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { unavailable } from "../../errors/error.js";
import type { Clock } from "../../plugin/clock.js";
import { AuthService } from "./messages/gen/auth_pb.js";
import { toServer } from "./messages/server.js";
import { dateToTimestamp, timestampToDate } from "./messages/timestamp.js";
import { fromUser } from "./messages/user.js";
import { fromEvent } from "./watch-message.js";
import type { AuthApi } from "./api.js";
import { errorFromGrpc } from "./error-mapping.js";
import type { GrpcSession } from "./grpc-session.js";
import type { GrpcCalls } from "./rest-api.js";
import { withRetries } from "./retry.js";

const NO_SIGNAL = new AbortController().signal;

/** The gRPC half of the typed interface (wire.md §5.5). `timeoutMs` bounds single calls, not streams. */
export function createGrpcApi(options: {
  session: GrpcSession;
  clock: Clock;
  timeoutMs: number;
}): Pick<AuthApi, GrpcCalls> {
  const { clock, session, timeoutMs } = options;
  const client = createClient(
    AuthService,
    createGrpcTransport({ baseUrl: session.authority, sessionManager: session, acceptCompression: [] }),
  );
  const limited = { timeoutMs };
  /** For calls that may be repeated. */
  const repeated = <T>(call: () => Promise<T>): Promise<T> =>
    withRetries(() => coded(call), clock, NO_SIGNAL);

  return {
    ping: () =>
      repeated(async () => {
        const { clusterName, serverVersion } = await client.ping({}, limited);
        return { clusterName, serverVersion };
      }),
    getUser: (name, withSecrets = false) =>
      repeated(async () => fromUser(await client.getUser({ name, withSecrets }, limited))),
    getUsers: (withSecrets = false) =>
      repeated(async () => {
        const users = [];
        for await (const user of client.getUsers({ withSecrets }, limited)) users.push(fromUser(user));
        return users;
      }),
    generateUserCerts: (request) =>
      repeated(async () => {
        const { ssh, tls } = await client.generateUserCerts(
          {
            publicKey: Uint8Array.from(Buffer.from(request.publicKey)),
            username: request.username,
            expires: dateToTimestamp(request.expires),
            format: request.format ?? "",
            routeToCluster: request.routeToCluster ?? "",
          },
          limited,
        );
        return { ssh: Buffer.from(ssh).toString("utf8"), tls: Buffer.from(tls).toString("utf8") };
      }),
    upsertNode: (server) =>
      repeated(async () => {
        const { serverName, namespace, leaseId, expires } = await client.upsertNode(
          toServer(server),
          limited,
        );
        return {
          serverName,
          namespace: namespace || "default",
          leaseId: Number(leaseId),
          expires: timestampToDate(expires),
        };
      }),
    keepAliveNode: (keepAlives) =>
      coded(async () => {
        await client.sendKeepAlives(
          (async function* () {
            for await (const { serverName, namespace, leaseId, expires } of keepAlives) {
              yield { serverName, namespace, leaseId: BigInt(leaseId), expires: dateToTimestamp(expires) };
            }
          })(),
        );
      }),
    async *watch(kinds, signal) {
      const request = {
        kinds: kinds.map(({ kind, name, loadSecrets }) => ({
          kind,
          name: name ?? "",
          loadSecrets: loadSecrets ?? false,
        })),
      };
      try {
        for await (const message of client.watchEvents(request, { signal })) {
          const event = fromEvent(message);
          if (event) yield event;
        }
      } catch (error) {
        if (signal.aborted) return;
        throw errorFromGrpc(error);
      }
      if (!signal.aborted) throw unavailable("the auth server ended the watch");
    },
  };
}

async function coded<T>(call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    throw errorFromGrpc(error);
  }
}
