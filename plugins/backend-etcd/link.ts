import { isIP } from "node:net";
import { checkServerIdentity } from "node:tls";
import { Channel, ChannelCredentials, type ChannelOptions, type Client } from "@grpc/grpc-js";
import { noop } from "cockatiel";
import type { Services } from "etcd3";
import { Host } from "etcd3/lib/connection-pool.js";
import type { Access } from "./access.js";
import type { PeerAddress } from "./settings.js";

/** Servers refuse clients that ping more often than every 5 s. */
const OPTIONS: ChannelOptions = {
  "grpc.max_receive_message_length": -1,
  "grpc.max_send_message_length": -1,
  "grpc.keepalive_time_ms": 10_000,
  "grpc.keepalive_timeout_ms": 3000,
  "grpc.initial_reconnect_backoff_ms": 100,
  "grpc.min_reconnect_backoff_ms": 100,
  "grpc.max_reconnect_backoff_ms": 1000,
  // A given-up connection must not come back through the process-wide pool.
  "grpc.use_local_subchannel_pool": 1,
  // Repeating is our own business: only we know what may be repeated.
  "grpc.enable_retries": 0,
  "grpc.service_config_disable_resolution": 1,
  "grpc-node.flow_control_window": 1024 * 1024,
};

/** A call under way. */
export interface Cancellable {
  cancel(): void;
}

/** One connection to one member, and the calls that are under way on it. */
export class Link {
  readonly #channel: Channel;
  readonly #host: Host;
  readonly #active = new Set<Cancellable>();
  #retired = false;

  constructor(address: PeerAddress, access: Access) {
    const target = `${isIP(address.host) === 6 ? `[${address.host}]` : address.host}:${address.port}`;
    this.#channel = new Channel(target, credentialsFor(address, access), optionsFor(address));
    const options = { channelOverride: this.#channel } as unknown as ChannelOptions;
    this.#host = new Host(target, ChannelCredentials.createInsecure(), options, noop);
  }

  client(service: keyof typeof Services): Client {
    return this.#host.getServiceClient(service);
  }

  /** Counts a call as under way until {@link ended}. */
  began(call: Cancellable): void {
    this.#active.add(call);
  }

  ended(call: Cancellable): void {
    this.#active.delete(call);
    if (this.#retired && this.#active.size === 0) this.#close();
  }

  /** Closes the connection when its last call has ended. */
  retire(): void {
    this.#retired = true;
    if (this.#active.size === 0) this.#close();
  }

  /** Ends all calls, with an unknown outcome, and closes. */
  drop(): void {
    const active = [...this.#active];
    this.retire();
    active.forEach((call) => call.cancel());
  }

  #close(): void {
    this.#host.close();
    this.#channel.close();
  }
}

function credentialsFor(address: PeerAddress, access: Access): ChannelCredentials {
  if (!address.tls) return ChannelCredentials.createInsecure();
  return ChannelCredentials.createFromSecureContext(access.context, {
    checkServerIdentity: (_name, certificate) => checkServerIdentity(address.host, certificate),
  });
}

function optionsFor(address: PeerAddress): ChannelOptions {
  // TLS has no server name for an address; the certificate is checked against the address all the same, see above.
  return address.tls && isIP(address.host) !== 0
    ? { ...OPTIONS, "grpc.ssl_target_name_override": "etcd" }
    : OPTIONS;
}
