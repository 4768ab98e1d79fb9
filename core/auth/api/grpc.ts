import type { ServiceImpl } from "@connectrpc/connect";
import type { HandlerContext } from "@connectrpc/connect";
import { badParameter } from "../../errors/error.js";
import type { AuthApi, KeepAlive } from "../client/api.js";
import { toGrpcError } from "../client/error-mapping.js";
import type { AuthService } from "../client/messages/gen/auth_pb.js";
import type { KeepAlive as KeepAliveMessage } from "../client/messages/gen/services_pb.js";
import { fromServer } from "../client/messages/server.js";
import { dateToTimestamp, timestampToDate } from "../client/messages/timestamp.js";
import { toUser } from "../client/messages/user.js";
import { toEvent } from "../client/watch-message.js";

/** The gRPC half of the API (wire.md §5.5) over the typed interface; `apiOf` gives that of the caller. */
export function createGrpcService(
  apiOf: (context: HandlerContext) => AuthApi,
): ServiceImpl<typeof AuthService> {
  return {
    ping: (_request, context) => coded(() => apiOf(context).ping()),

    getUser: ({ name, withSecrets }, context) =>
      coded(async () => toUser(await apiOf(context).getUser(name, withSecrets))),

    getUsers: ({ withSecrets }, context) =>
      codedStream(async function* () {
        for (const user of await apiOf(context).getUsers(withSecrets)) yield toUser(user);
      }),

    generateUserCerts: (request, context) =>
      coded(async () => {
        const expires = timestampToDate(request.expires);
        if (!expires) throw badParameter("the request says not until when the certificates shall be valid");
        const certs = await apiOf(context).generateUserCerts({
          publicKey: Buffer.from(request.publicKey).toString("utf8"),
          username: request.username,
          expires,
          ...(request.format !== "" && { format: request.format }),
          ...(request.routeToCluster !== "" && { routeToCluster: request.routeToCluster }),
        });
        return { ssh: Uint8Array.from(Buffer.from(certs.ssh)), tls: Uint8Array.from(Buffer.from(certs.tls)) };
      }),

    upsertNode: (server, context) =>
      coded(async () => {
        const { serverName, leaseId, expires } = await apiOf(context).upsertNode(fromServer(server));
        // 4.2 sends no namespace here.
        return { serverName, leaseId: BigInt(leaseId), expires: dateToTimestamp(expires) };
      }),

    sendKeepAlives: (messages, context) =>
      coded(async () => {
        const ended = aborted(context.signal);
        await Promise.race([apiOf(context).keepAliveNode(keepAlives(messages, ended)), ended]);
        return {};
      }),

    watchEvents: ({ kinds }, context) =>
      codedStream(async function* () {
        const wanted = kinds.map(({ kind, name, loadSecrets }) => ({ kind, name, loadSecrets }));
        for await (const event of apiOf(context).watch(wanted, context.signal)) yield toEvent(event);
        context.signal.throwIfAborted();
      }),
  };
}

/** The messages of a stream until it ends or `ended` rejects, which happens when this server drains. */
async function* keepAlives(
  messages: AsyncIterable<KeepAliveMessage>,
  ended: Promise<never>,
): AsyncIterable<KeepAlive> {
  const iterator = messages[Symbol.asyncIterator]();
  for (;;) {
    const next = await Promise.race([iterator.next(), ended]);
    if (next.done) return;
    const { value } = next;
    yield {
      serverName: value.serverName,
      namespace: value.namespace || "default",
      leaseId: Number(value.leaseId),
      expires: timestampToDate(value.expires),
    };
  }
}

/** Rejects with the signal's reason once it is aborted. */
function aborted(signal: AbortSignal): Promise<never> {
  const promise = new Promise<never>((_resolve, reject) => {
    const fail = (): void => reject(signal.reason as Error);
    if (signal.aborted) fail();
    else signal.addEventListener("abort", fail, { once: true });
  });
  // It may fire when nobody races against it any more.
  promise.catch(() => undefined);
  return promise;
}

async function coded<T>(call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    throw toGrpcError(error);
  }
}

async function* codedStream<T>(stream: () => AsyncIterable<T>): AsyncIterable<T> {
  try {
    yield* stream();
  } catch (error) {
    throw toGrpcError(error);
  }
}
