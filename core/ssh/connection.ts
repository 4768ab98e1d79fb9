/**
 * The connection layer (RFC 4254): channels and global requests over one authenticated transport. Both sides of a
 * connection use this same class.
 */
import { errorChain, unavailable } from "../errors/error.js";
import type { SshCertificate } from "../pki/ssh-certificate.js";
import { SshReader, SshWriter } from "../pki/ssh-wire.js";
import type { Clock } from "../plugin/clock.js";
import type { Logger } from "../plugin/logger.js";
import type { Channel } from "./channel.js";
import { ChannelTable, type ChannelTableLink } from "./channel-table.js";
import type {
  ByteCounts,
  ChannelOpen,
  PeerRequest,
  SshChannel,
  SshConnection,
  SshLimits,
} from "./contract.js";
import { keepAlive } from "./keep-alive.js";
import { DISCONNECT, MESSAGE } from "./messages.js";
import { RequestQueue, type RequestHandler } from "./requests.js";
import type { SshTransport } from "./transport.js";

/** Who is at the other end. */
export interface PeerFacts {
  readonly user: string;
  readonly peerCertificate: SshCertificate | undefined;
  readonly remoteAddress: string;
  readonly localAddress: string;
}

/** Name of the request that OpenSSH and Teleport send to see whether the peer is alive. */
export const KEEP_ALIVE_REQUEST = "keepalive@openssh.com";

/** An authenticated connection. Its owner passes messages to `receive` and tells it when the transport is gone. */
export class Connection implements SshConnection, ChannelTableLink {
  readonly user: string;
  readonly peerCertificate: SshCertificate | undefined;
  readonly peerVersion: string;
  readonly remoteAddress: string;
  readonly localAddress: string;
  readonly bytes: ByteCounts = { received: 0, sent: 0 };
  readonly whenClosed: Promise<Error | undefined>;
  readonly #transport: SshTransport;
  readonly #log: Logger;
  readonly #channels: ChannelTable;
  readonly #requestHandlers = new Map<string, RequestHandler>();
  readonly #requests: RequestQueue;
  readonly #waitingReplies: ((data: Buffer | undefined) => void)[] = [];
  readonly #waitingWriters = new Set<Channel>();
  readonly #stopKeepAlive: () => void;
  /** Messages that came with the end of the authentication, before the owner could set its handlers. */
  #early: Buffer[] | undefined = [];
  #gone = false;
  #resolveClosed: (error: Error | undefined) => void = () => undefined;

  constructor(transport: SshTransport, peer: PeerFacts, limits: SshLimits, log: Logger, clock: Clock) {
    this.#transport = transport;
    this.#channels = new ChannelTable(this, limits.maxChannels);
    this.#log = log;
    this.user = peer.user;
    this.peerCertificate = peer.peerCertificate;
    this.peerVersion = transport.peerVersion;
    this.remoteAddress = peer.remoteAddress;
    this.localAddress = peer.localAddress;
    this.whenClosed = new Promise((resolve) => {
      this.#resolveClosed = resolve;
    });
    this.#requestHandlers.set(KEEP_ALIVE_REQUEST, () => true);
    this.#requests = new RequestQueue(
      (request) => this.#requestHandlers.get(request.name)?.(request) ?? false,
      (reply) => {
        const message = new SshWriter().byte(
          reply === false ? MESSAGE.requestFailure : MESSAGE.requestSuccess,
        );
        this.send((typeof reply === "boolean" ? message : message.raw(reply)).toBuffer());
      },
      (request, error) => this.requestFailed(request, error),
    );
    setImmediate(() => this.#beginReceiving());
    transport.authenticated(limits);
    this.#stopKeepAlive = keepAlive(limits, clock, {
      probe: () => this.globalRequest(KEEP_ALIVE_REQUEST, true),
      lost: () => this.#lost("Keepalive timeout"),
    });
  }

  onChannel(type: string, handler: (open: ChannelOpen) => void): void {
    this.#channels.onChannel(type, handler);
  }

  onGlobalRequest(name: string, handler: RequestHandler): void {
    this.#requestHandlers.set(name, handler);
  }

  openChannel(type: string, payload?: Uint8Array): Promise<SshChannel> {
    return this.#channels.open(type, payload);
  }

  globalRequest(name: string, wantReply: boolean, payload?: Uint8Array): Promise<Buffer | undefined> {
    if (this.#gone) return Promise.resolve(undefined);
    const reply = wantReply
      ? new Promise<Buffer | undefined>((resolve) => this.#waitingReplies.push(resolve))
      : Promise.resolve(undefined);
    const message = new SshWriter().byte(MESSAGE.globalRequest).string(name).boolean(wantReply);
    this.send(message.raw(Buffer.from(payload ?? [])).toBuffer());
    return reply;
  }

  disconnect(message: string): void {
    this.#transport.disconnect(DISCONNECT.byApplication, message);
  }

  get sessionId(): Buffer {
    return this.#transport.sessionId;
  }

  get writable(): boolean {
    return this.#transport.writable;
  }

  awaitWritable(channel: Channel): void {
    this.#waitingWriters.add(channel);
  }

  send(message: Uint8Array): void {
    this.#transport.send(message);
  }

  sendData(recipient: number, data: Buffer, extendedType: number | undefined): void {
    this.bytes.sent += data.length;
    this.#transport.sendData(recipient, data, extendedType);
  }

  received(bytes: number): void {
    this.bytes.received += bytes;
  }

  requestFailed(request: PeerRequest, error: unknown): void {
    this.#log.warn("SSH request handler failed", {
      request: request.name,
      user: this.user,
      error: errorChain(error),
    });
  }

  offerFailed(type: string, error: unknown): void {
    this.#log.error("SSH channel handler failed", {
      channel: type,
      user: this.user,
      error: errorChain(error),
    });
  }

  released(channel: Channel): void {
    this.#channels.remove(channel);
    this.#waitingWriters.delete(channel);
  }

  /** The transport takes bulk data again: every waiting channel gets its turn, in the order in which they began to wait. */
  writersMayGoOn(): void {
    const waiting = [...this.#waitingWriters];
    this.#waitingWriters.clear();
    for (const channel of waiting) channel.flush();
  }

  /** The transport is gone. */
  transportClosed(error: Error | undefined): void {
    if (this.#gone) return;
    this.#gone = true;
    this.#stopKeepAlive();
    this.#requests.stop();
    const reason = error ?? unavailable("The SSH connection is closed");
    for (const reply of this.#waitingReplies.splice(0)) reply(undefined);
    this.#channels.connectionLost(reason);
    this.#resolveClosed(error);
  }

  /** Handles one message of the connection layer. Throws `bad_parameter` where the peer breaks the protocol. */
  receive(payload: Buffer): void {
    if (this.#early !== undefined) {
      this.#early.push(payload);
      return;
    }
    const type = payload[0] ?? 0;
    const reader = new SshReader(payload, 1);
    if (this.#channels.receive(type, reader)) return;
    switch (type) {
      case MESSAGE.globalRequest:
        this.#requests.push({ name: reader.text(), wantReply: reader.boolean(), payload: reader.rest() });
        return;
      case MESSAGE.requestSuccess:
        this.#waitingReplies.shift()?.(Buffer.from(reader.rest()));
        return;
      case MESSAGE.requestFailure:
        this.#waitingReplies.shift()?.(undefined);
        return;
      default:
        this.#transport.sendUnimplemented();
    }
  }

  #beginReceiving(): void {
    const early = this.#early ?? [];
    this.#early = undefined;
    this.#transport.contain(() => {
      for (const payload of early) if (!this.#gone) this.receive(payload);
    });
  }

  #lost(what: string): void {
    this.#transport.disconnect(DISCONNECT.connectionLost, what, unavailable(`SSH connection lost: ${what}`));
  }
}
