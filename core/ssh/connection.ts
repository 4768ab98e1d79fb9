/**
 * The connection layer (RFC 4254): channels and global requests over one authenticated transport. Both sides of a
 * connection use this same class.
 */
import { accessDenied, errorChain, unavailable } from "../errors/error.js";
import type { SshCertificate } from "../pki/ssh-certificate.js";
import { SshReader, SshWriter } from "../pki/ssh-wire.js";
import type { Clock } from "../plugin/clock.js";
import type { Logger } from "../plugin/logger.js";
import { Channel, type ChannelLink } from "./channel.js";
import {
  OPEN_FAILURE,
  type ByteCounts,
  type ChannelOpen,
  type PeerRequest,
  type SshChannel,
  type SshConnection,
  type SshLimits,
} from "./contract.js";
import { keepAlive } from "./keep-alive.js";
import { PACKET_BYTES, WINDOW_BYTES } from "./limits.js";
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

interface OpeningChannel {
  readonly type: string;
  resolve(channel: SshChannel): void;
  reject(error: Error): void;
}

/** Name of the request that OpenSSH and Teleport send to see whether the peer is alive. */
export const KEEP_ALIVE_REQUEST = "keepalive@openssh.com";

/** An authenticated connection. Its owner passes messages to `receive` and tells it when the transport is gone. */
export class Connection implements SshConnection, ChannelLink {
  readonly user: string;
  readonly peerCertificate: SshCertificate | undefined;
  readonly peerVersion: string;
  readonly remoteAddress: string;
  readonly localAddress: string;
  readonly bytes: ByteCounts = { received: 0, sent: 0 };
  readonly whenClosed: Promise<Error | undefined>;
  readonly #transport: SshTransport;
  readonly #limits: SshLimits;
  readonly #log: Logger;
  readonly #channels = new Map<number, Channel>();
  readonly #opening = new Map<number, OpeningChannel>();
  readonly #channelHandlers = new Map<string, (open: ChannelOpen) => void>();
  readonly #requestHandlers = new Map<string, RequestHandler>();
  readonly #requests: RequestQueue;
  readonly #waitingReplies: ((data: Buffer | undefined) => void)[] = [];
  readonly #waitingWriters = new Set<Channel>();
  readonly #stopKeepAlive: () => void;
  /** Messages that came with the end of the authentication, before the owner could set its handlers. */
  #early: Buffer[] | undefined = [];
  #offeredChannels = 0;
  #nextId = 0;
  #gone = false;
  #resolveClosed: (error: Error | undefined) => void = () => undefined;

  constructor(transport: SshTransport, peer: PeerFacts, limits: SshLimits, log: Logger, clock: Clock) {
    this.#transport = transport;
    this.#limits = limits;
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
    transport.allowRekey(limits);
    this.#stopKeepAlive = keepAlive(limits, clock, {
      probe: () => this.globalRequest(KEEP_ALIVE_REQUEST, true),
      lost: () => this.#lost("Keepalive timeout"),
    });
  }

  onChannel(type: string, handler: (open: ChannelOpen) => void): void {
    this.#channelHandlers.set(type, handler);
  }

  onGlobalRequest(name: string, handler: RequestHandler): void {
    this.#requestHandlers.set(name, handler);
  }

  openChannel(type: string, payload?: Uint8Array): Promise<SshChannel> {
    return new Promise((resolve, reject) => {
      if (this.#gone) {
        reject(unavailable("The SSH connection is closed"));
        return;
      }
      const id = this.#freeId();
      this.#opening.set(id, { type, resolve, reject });
      const message = new SshWriter().byte(MESSAGE.channelOpen).string(type).uint32(id).uint32(WINDOW_BYTES);
      this.send(
        message
          .uint32(PACKET_BYTES)
          .raw(Buffer.from(payload ?? []))
          .toBuffer(),
      );
    });
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

  released(channel: Channel): void {
    this.#channels.delete(channel.localId);
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
    for (const opening of this.#opening.values()) opening.reject(reason);
    this.#opening.clear();
    for (const reply of this.#waitingReplies.splice(0)) reply(undefined);
    for (const channel of [...this.#channels.values()]) channel.connectionLost(reason);
    this.#resolveClosed(error);
  }

  /** Handles one message of the connection layer. Throws `bad_parameter` where the peer breaks the protocol. */
  receive(payload: Buffer): void {
    if (this.#early !== undefined) {
      this.#early.push(payload);
      return;
    }
    const reader = new SshReader(payload, 1);
    switch (payload[0]) {
      case MESSAGE.channelData:
        return this.#dataArrived(reader.uint32(), undefined, reader);
      case MESSAGE.channelExtendedData:
        return this.#dataArrived(reader.uint32(), reader.uint32(), reader);
      case MESSAGE.channelWindowAdjust:
        if (this.#channel(reader)?.peerAdjustedWindow(reader.uint32()) === false)
          this.#abuse("window overflow");
        return;
      case MESSAGE.channelEof:
        return this.#channel(reader)?.peerSentEof();
      case MESSAGE.channelClose:
        return this.#channel(reader)?.peerSentClose();
      case MESSAGE.channelRequest:
        return this.#channelRequested(reader);
      case MESSAGE.channelSuccess:
        return this.#channel(reader)?.peerReplied(true);
      case MESSAGE.channelFailure:
        return this.#channel(reader)?.peerReplied(false);
      case MESSAGE.channelOpen:
        return this.#channelOffered(reader);
      case MESSAGE.channelOpenConfirmation:
        return this.#channelConfirmed(reader);
      case MESSAGE.channelOpenFailure:
        return this.#channelRefused(reader);
      case MESSAGE.globalRequest: {
        const request = { name: reader.text(), wantReply: reader.boolean(), payload: reader.rest() };
        if (!this.#requests.push(request)) this.#abuse("too many unanswered requests");
        return;
      }
      case MESSAGE.requestSuccess:
        return this.#waitingReplies.shift()?.(Buffer.from(reader.rest()));
      case MESSAGE.requestFailure:
        return this.#waitingReplies.shift()?.(undefined);
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

  #dataArrived(id: number, extendedType: number | undefined, reader: SshReader): void {
    if (this.#channels.get(id)?.peerSentData(reader.string(), extendedType) === false)
      this.#abuse("window exceeded");
  }

  #channelRequested(reader: SshReader): void {
    const channel = this.#channel(reader);
    const request = { name: reader.text(), wantReply: reader.boolean(), payload: reader.rest() };
    if (channel?.peerRequested(request) === false) this.#abuse("too many unanswered requests");
  }

  /** The channel a message is for; undefined for one that is not open (any more), whose late messages are ignored. */
  #channel(reader: SshReader): Channel | undefined {
    return this.#channels.get(reader.uint32());
  }

  #channelOffered(reader: SshReader): void {
    const type = reader.text();
    const remoteId = reader.uint32();
    const remoteWindowBytes = reader.uint32();
    const remotePacketBytes = reader.uint32();
    const payload = reader.rest();
    const refuse = (reason: number, text: string): void => {
      const message = new SshWriter().byte(MESSAGE.channelOpenFailure).uint32(remoteId).uint32(reason);
      this.send(message.string(text).string("").toBuffer());
    };
    const handler = this.#channelHandlers.get(type);
    if (handler === undefined) return refuse(OPEN_FAILURE.unknownChannelType, "unknown channel type");
    if (this.#channels.size + this.#offeredChannels >= this.#limits.maxChannels || remotePacketBytes === 0) {
      return refuse(OPEN_FAILURE.resourceShortage, "too many channels on this connection");
    }
    let decided = false;
    this.#offeredChannels++;
    const decide = (): void => {
      if (decided) throw new Error("a channel open was decided twice");
      decided = true;
      this.#offeredChannels--;
    };
    const open: ChannelOpen = {
      type,
      payload,
      accept: () => {
        decide();
        const localId = this.#freeId();
        const channel = new Channel({ type, localId, remoteId, remoteWindowBytes, remotePacketBytes }, this);
        if (this.#gone) {
          channel.connectionLost(unavailable("The SSH connection is closed"));
          return channel;
        }
        this.#channels.set(localId, channel);
        const message = new SshWriter()
          .byte(MESSAGE.channelOpenConfirmation)
          .uint32(remoteId)
          .uint32(localId);
        this.send(message.uint32(WINDOW_BYTES).uint32(PACKET_BYTES).toBuffer());
        return channel;
      },
      reject: (reason, text) => {
        decide();
        refuse(reason, text);
      },
    };
    try {
      handler(open);
    } catch (error) {
      this.#log.error("SSH channel handler failed", {
        channel: type,
        user: this.user,
        error: errorChain(error),
      });
      if (!decided) open.reject(OPEN_FAILURE.connectFailed, "internal error");
    }
  }

  #channelConfirmed(reader: SshReader): void {
    const localId = reader.uint32();
    const opening = this.#opening.get(localId);
    if (opening === undefined) return this.#abuse("confirmation of an unknown channel");
    this.#opening.delete(localId);
    const remoteId = reader.uint32();
    const remoteWindowBytes = reader.uint32();
    const remotePacketBytes = reader.uint32();
    if (remotePacketBytes === 0) return this.#abuse("channel with empty packets");
    const ends = { type: opening.type, localId, remoteId, remoteWindowBytes, remotePacketBytes };
    const channel = new Channel(ends, this);
    this.#channels.set(localId, channel);
    opening.resolve(channel);
  }

  #channelRefused(reader: SshReader): void {
    const localId = reader.uint32();
    const opening = this.#opening.get(localId);
    if (opening === undefined) return this.#abuse("refusal of an unknown channel");
    this.#opening.delete(localId);
    const reason = reader.uint32();
    const text = reader
      .text()
      .replace(/[^\x20-\x7e]+/g, " ")
      .trim();
    const failure = reason === OPEN_FAILURE.administrativelyProhibited ? accessDenied : unavailable;
    opening.reject(failure(text || `The SSH peer refused the channel (reason ${String(reason)})`));
  }

  #freeId(): number {
    do this.#nextId = (this.#nextId + 1) >>> 0;
    while (this.#channels.has(this.#nextId) || this.#opening.has(this.#nextId));
    return this.#nextId;
  }

  #abuse(what: string): void {
    const error = unavailable(`SSH protocol error: ${what}`);
    this.#transport.disconnect(DISCONNECT.protocolError, what, error);
  }

  #lost(what: string): void {
    this.#transport.disconnect(DISCONNECT.connectionLost, what, unavailable(`SSH connection lost: ${what}`));
  }
}
