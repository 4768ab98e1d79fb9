import type {
  Client,
  ClientDuplexStream,
  Metadata,
  MethodDefinition,
  ServiceDefinition,
} from "@grpc/grpc-js";
import type {
  IAuthenticateRequest,
  IAuthenticateResponse,
  ILeaseGrantRequest,
  ILeaseGrantResponse,
  ILeaseKeepAliveRequest,
  ILeaseKeepAliveResponse,
  ILeaseRevokeRequest,
  ILeaseRevokeResponse,
  ILeaseTimeToLiveRequest,
  ILeaseTimeToLiveResponse,
  IRangeRequest,
  IRangeResponse,
  ITxnRequest,
  ITxnResponse,
  IWatchRequest,
  IWatchResponse,
  Services,
} from "etcd3";
import type { Access } from "./access.js";
import { callFailure, CallFailure } from "./failure.js";
import { Link, type Cancellable } from "./link.js";
import { RangePage } from "./range-page.js";
import type { PeerAddress } from "./settings.js";

/** The unary calls that are used, with what they take and give. */
export interface Calls {
  range: { request: IRangeRequest; response: IRangeResponse };
  /** A range whose pairs are decoded later. */
  page: { request: IRangeRequest; response: RangePage };
  txn: { request: ITxnRequest; response: ITxnResponse };
  leaseGrant: { request: ILeaseGrantRequest; response: ILeaseGrantResponse };
  leaseRevoke: { request: ILeaseRevokeRequest; response: ILeaseRevokeResponse };
  leaseTimeToLive: { request: ILeaseTimeToLiveRequest; response: ILeaseTimeToLiveResponse };
  authenticate: { request: IAuthenticateRequest; response: IAuthenticateResponse };
}

/** The stream of one watch. */
export type WatchStream = ClientDuplexStream<IWatchRequest, IWatchResponse>;

const SERVICE: Record<keyof Calls, keyof typeof Services> = {
  range: "KV",
  page: "KV",
  txn: "KV",
  leaseGrant: "Lease",
  leaseRevoke: "Lease",
  leaseTimeToLive: "Lease",
  authenticate: "Auth",
};

type UnaryMethod = (
  request: object,
  metadata: Metadata,
  options: { deadline: number },
  done: (error: Error | null, response?: unknown) => void,
) => Cancellable;

/** Calls `Range`; what gRPC would decode into objects all at once is left to {@link RangePage}. */
function requestPage(
  client: Client,
  request: object,
  ...[metadata, options, done]: [Metadata, { deadline: number }, Parameters<UnaryMethod>[3]]
): Cancellable {
  const { service } = client.constructor as unknown as { service: ServiceDefinition };
  const { path, requestSerialize } = service["Range"] as MethodDefinition<object, unknown>;
  const read = (message: Buffer): RangePage => new RangePage(message);
  return client.makeUnaryRequest(path, requestSerialize, read, request, metadata, options, done);
}

/**
 * One member of the etcd cluster, as one of our peers. Connects when it is first used. Calls and watches get a connection
 * each, so that a long backlog of a watch is not in the way of calls.
 */
export class Peer {
  #calls: Link | undefined;
  #watches: Link | undefined;
  #streams = 0;

  constructor(
    private readonly address: PeerAddress,
    private readonly access: Access,
  ) {}

  get url(): string {
    return this.address.url;
  }

  /** How many watches are open here. */
  get watching(): number {
    return this.#streams;
  }

  /** One call. Rejects with a {@link CallFailure}. */
  call<M extends keyof Calls>(
    method: M,
    request: Calls[M]["request"],
    metadata: Metadata,
    timeoutMs: number,
  ): Promise<Calls[M]["response"]> {
    const link = (this.#calls ??= new Link(this.address, this.access));
    return new Promise((resolve, reject) => {
      const client = link.client(SERVICE[method]);
      const deadline = Date.now() + timeoutMs;
      const done = (error: Error | null, response?: unknown): void => {
        link.ended(call as Cancellable);
        if (error) reject(callFailure(error, this.url));
        else resolve(response as Calls[M]["response"]);
      };
      const call =
        method === "page"
          ? requestPage(client, request, metadata, { deadline }, done)
          : (client as unknown as Record<string, UnaryMethod>)[method]?.(
              request,
              metadata,
              { deadline },
              done,
            );
      link.began(call as Cancellable);
    });
  }

  /** Opens a stream of watches. Its end must be told by `stream.cancel()` or by etcd. */
  watch(metadata: Metadata): WatchStream {
    const link = (this.#watches ??= new Link(this.address, this.access));
    const client = link.client("Watch") as unknown as { watch(metadata: Metadata): WatchStream };
    const stream = client.watch(metadata);
    link.began(stream);
    this.#streams++;
    let open = true;
    const ended = (): void => {
      link.ended(stream);
      if (open) this.#streams--;
      open = false;
    };
    stream.once("close", ended);
    stream.once("end", ended);
    stream.once("error", ended);
    return stream;
  }

  /** Gives a lease its full time again. Resolves to the new time in seconds, 0 where there is no such lease. */
  keepLeaseAlive(lease: string, metadata: Metadata, timeoutMs: number): Promise<number> {
    const link = (this.#calls ??= new Link(this.address, this.access));
    const client = link.client("Lease") as unknown as {
      leaseKeepAlive(
        metadata: Metadata,
        options: { deadline: number },
      ): ClientDuplexStream<ILeaseKeepAliveRequest, ILeaseKeepAliveResponse>;
    };
    return new Promise((resolve, reject) => {
      const stream = client.leaseKeepAlive(metadata, { deadline: Date.now() + timeoutMs });
      link.began(stream);
      const end = (finish: () => void): void => {
        link.ended(stream);
        stream.cancel();
        finish();
      };
      stream.on("error", (error) => end(() => reject(callFailure(error, this.url))));
      stream.on("end", () => end(() => reject(new CallFailure("unknown", this.url, "no answer"))));
      stream.on("data", (response: ILeaseKeepAliveResponse) => end(() => resolve(Number(response.TTL))));
      stream.write({ ID: lease });
    });
  }

  /** New calls and watches make a new connection; those under way go on with the old one. */
  renew(): void {
    this.#calls?.retire();
    this.#watches?.retire();
    this.#calls = this.#watches = undefined;
  }

  /** Ends everything that is under way here. */
  drop(): void {
    this.#calls?.drop();
    this.#watches?.drop();
    this.#calls = this.#watches = undefined;
  }
}
