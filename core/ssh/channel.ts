/**
 * One channel (RFC 4254 §5) as a Duplex with true half-close. What is written, and the EOF and CLOSE after it, go through
 * one queue in order; the queue waits for the peer's window and for the connection to take more. It is one long file because
 * both directions and their closing share one state.
 */
import { Duplex, Readable } from "node:stream";
import { badParameter, unavailable } from "../errors/error.js";
import { SshWriter } from "../pki/ssh-wire.js";
import type { PeerRequest, SshChannel } from "./contract.js";
import { InboundStream } from "./inbound.js";
import { PACKET_BYTES, WINDOW_BYTES } from "./limits.js";
import { MESSAGE } from "./messages.js";
import { RequestQueue } from "./requests.js";

/** What a channel needs of its connection. */
export interface ChannelLink {
  /** Whether bulk data may be sent now. */
  readonly writable: boolean;
  /** Asks for `flush()` once the connection is writable again. */
  awaitWritable(channel: Channel): void;
  send(message: Uint8Array): void;
  sendData(recipient: number, data: Buffer, extendedType: number | undefined): void;
  received(bytes: number): void;
  requestFailed(request: PeerRequest, error: unknown): void;
  /** Both sides have sent CLOSE: the number is free. */
  released(channel: Channel): void;
}

/** The two ends of a channel as CHANNEL_OPEN and its confirmation agreed on them. */
export interface ChannelEnds {
  readonly type: string;
  readonly localId: number;
  readonly remoteId: number;
  readonly remoteWindowBytes: number;
  readonly remotePacketBytes: number;
}

interface Outgoing {
  /** Data to send in pieces, or a whole message such as EOF. */
  readonly data: Buffer;
  sent: number;
  readonly kind: "data" | "extended" | "message";
  done(error?: Error): void;
}

const EXTENDED_STDERR = 1;
const READ_AHEAD_BYTES = 64 * 1024;
/** What writers may queue before they are asked to wait: with less, every network read would wait for its own write. */
const WRITE_AHEAD_BYTES = 256 * 1024;

/** A channel. The connection calls the methods named `peer…`. */
export class Channel extends Duplex implements SshChannel {
  readonly type: string;
  readonly extended: Readable;
  readonly whenClosed: Promise<void>;
  readonly localId: number;
  readonly #remoteId: number;
  readonly #packetBytes: number;
  readonly #link: ChannelLink;
  readonly #outgoing: Outgoing[] = [];
  readonly #inbound: InboundStream;
  readonly #inboundExtended: InboundStream;
  readonly #requests: RequestQueue;
  readonly #waitingReplies: ((granted: boolean) => void)[] = [];
  #handler: ((request: PeerRequest) => boolean | Promise<boolean>) | undefined;
  #sendWindow: number;
  #receiveWindow = WINDOW_BYTES;
  #consumedBytes = 0;
  #flushing = false;
  #closing = false;
  /** EOF is sent, or waits in the queue. */
  #eofSent = false;
  #closeSent = false;
  #peerEnded = false;
  #peerClosed = false;
  #resolveClosed: () => void = () => undefined;

  constructor(ends: ChannelEnds, link: ChannelLink) {
    // Not destroyed as soon as both directions have ended: an exit status may still follow the EOF.
    super({
      allowHalfOpen: true,
      autoDestroy: false,
      readableHighWaterMark: READ_AHEAD_BYTES,
      writableHighWaterMark: WRITE_AHEAD_BYTES,
    });
    this.type = ends.type;
    this.localId = ends.localId;
    this.#remoteId = ends.remoteId;
    this.#sendWindow = ends.remoteWindowBytes;
    this.#packetBytes = Math.min(ends.remotePacketBytes, PACKET_BYTES);
    this.#link = link;
    this.whenClosed = new Promise((resolve) => {
      this.#resolveClosed = resolve;
    });
    const consumed = (bytes: number): void => this.#consumed(bytes);
    this.#inbound = new InboundStream(this, consumed);
    this.extended = new Readable({
      highWaterMark: READ_AHEAD_BYTES,
      read: () => this.#inboundExtended.read(),
    });
    this.#inboundExtended = new InboundStream(this.extended, consumed);
    this.#requests = new RequestQueue(
      (request) => this.#handler?.(request) ?? false,
      (granted) => this.#sendNumbered(granted === false ? MESSAGE.channelFailure : MESSAGE.channelSuccess),
      (request, error) => link.requestFailed(request, error),
      true,
    );
    // Requests may come in the same packet as the channel itself, before its owner has had a chance to listen.
    setImmediate(() => this.#requests.release());
    // A lost connection must not end the process because one channel has no error listener.
    this.on("error", () => undefined);
    this.extended.on("error", () => undefined);
    this.on("end", () => this.#settle());
  }

  onRequest(handler: (request: PeerRequest) => boolean | Promise<boolean>): void {
    this.#handler = handler;
    this.#requests.release();
  }

  request(name: string, wantReply: boolean, payload?: Uint8Array): Promise<boolean> {
    if (this.#closeSent || this.#peerClosed) return Promise.resolve(false);
    const message = new SshWriter()
      .byte(MESSAGE.channelRequest)
      .uint32(this.#remoteId)
      .string(name)
      .boolean(wantReply);
    if (payload !== undefined) message.raw(Buffer.from(payload));
    const reply = wantReply
      ? new Promise<boolean>((resolve) => this.#waitingReplies.push(resolve))
      : Promise.resolve(true);
    this.#link.send(message.toBuffer());
    return reply;
  }

  exitStatus(code: number): void {
    this.#sendInOrder("exit-status", new SshWriter().uint32(code >>> 0).toBuffer());
  }

  exitSignal(signal: string, coreDumped: boolean, message: string): void {
    const payload = new SshWriter().string(signal).boolean(coreDumped).string(message).string("");
    this.#sendInOrder("exit-signal", payload.toBuffer());
  }

  writeExtended(data: Uint8Array): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#eofSent || this.#closing || this.#peerClosed || this.destroyed) {
        reject(closedError());
        return;
      }
      const done = (error?: Error): void => (error === undefined ? resolve() : reject(error));
      this.#enqueue({ data: Buffer.from(data), sent: 0, kind: "extended", done });
    });
  }

  close(): void {
    if (this.#closing || this.destroyed) return;
    this.#closing = true;
    if (this.#eofSent) this.#enqueueClose();
    else this.end();
  }

  override _read(): void {
    this.#inbound.read();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#enqueue({ data: chunk, sent: 0, kind: "data", done });
    this.#settle();
  }

  override _writev(chunks: { chunk: Buffer }[], done: (error?: Error | null) => void): void {
    const last = chunks.length - 1;
    chunks.forEach(({ chunk }, i) =>
      this.#enqueue({ data: chunk, sent: 0, kind: "data", done: i === last ? done : ignoreOutcome }),
    );
    this.#settle();
  }

  override _final(done: (error?: Error | null) => void): void {
    if (this.#peerClosed) {
      done();
      return;
    }
    this.#enqueue({ data: this.#numbered(MESSAGE.channelEof), sent: 0, kind: "message", done });
    if (this.#closing) this.#enqueueClose();
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#dropOutgoing(error ?? closedError());
    this.#sendClose();
    done(error);
  }

  /** Sends what waits as far as window and connection allow. */
  flush(): void {
    if (this.#flushing) return;
    this.#flushing = true;
    try {
      for (let next = this.#outgoing[0]; next !== undefined; next = this.#outgoing[0]) {
        if (this.#peerClosed || !this.#sendSome(next)) return;
        this.#outgoing.shift();
        next.done();
      }
    } finally {
      this.#flushing = false;
    }
  }

  /** CHANNEL_WINDOW_ADJUST arrived. Throws `bad_parameter` where the window overflows (RFC 4254 §5.2). */
  peerAdjustedWindow(bytes: number): void {
    this.#sendWindow += bytes;
    if (this.#sendWindow > 0xffffffff) throw badParameter("channel window overflow");
    this.flush();
  }

  /** Data arrived; an `extendedType` other than 1 is dropped. Throws `bad_parameter` where it exceeds the window. */
  peerSentData(data: Buffer, extendedType: number | undefined): void {
    this.#receiveWindow -= data.length;
    if (this.#receiveWindow < 0) throw badParameter("channel window exceeded");
    this.#link.received(data.length);
    if (this.destroyed || (extendedType !== undefined && extendedType !== EXTENDED_STDERR)) {
      this.#consumed(data.length);
    } else {
      (extendedType === undefined ? this.#inbound : this.#inboundExtended).receive(data);
    }
  }

  /** CHANNEL_EOF arrived. */
  peerSentEof(): void {
    if (this.#peerEnded) return;
    this.#peerEnded = true;
    this.#inbound.end();
    this.#inboundExtended.end();
  }

  /** CHANNEL_CLOSE arrived: it is answered at once, and what was read before stays readable. */
  peerSentClose(): void {
    if (this.#peerClosed) return;
    this.#peerClosed = true;
    this.peerSentEof();
    this.#sendClose();
    this.#release();
    this.#settle();
  }

  /** A request arrived. Throws `bad_parameter` where too many wait for an answer. */
  peerRequested(request: PeerRequest): void {
    this.#requests.push(request);
  }

  /** CHANNEL_SUCCESS or CHANNEL_FAILURE arrived. */
  peerReplied(granted: boolean): void {
    this.#waitingReplies.shift()?.(granted);
  }

  /** The connection is gone. */
  connectionLost(error: Error): void {
    this.#closeSent = true;
    this.#release();
    this.extended.destroy(error);
    this.destroy(error);
  }

  #enqueue(item: Outgoing): void {
    this.#outgoing.push(item);
    this.flush();
  }

  /** Sends one item; false where the rest of it has to wait. */
  #sendSome(item: Outgoing): boolean {
    if (item.kind === "message") {
      this.#link.send(item.data);
      return true;
    }
    while (item.sent < item.data.length) {
      const size = Math.min(item.data.length - item.sent, this.#sendWindow, this.#packetBytes);
      if (size === 0) return false;
      if (!this.#link.writable) {
        this.#link.awaitWritable(this);
        return false;
      }
      this.#sendWindow -= size;
      const piece = item.data.subarray(item.sent, item.sent + size);
      item.sent += size;
      this.#link.sendData(this.#remoteId, piece, item.kind === "extended" ? EXTENDED_STDERR : undefined);
    }
    return true;
  }

  #sendInOrder(name: string, payload: Buffer): void {
    if (this.#closeSent || this.#peerClosed) return;
    const message = new SshWriter()
      .byte(MESSAGE.channelRequest)
      .uint32(this.#remoteId)
      .string(name)
      .boolean(false);
    const data = message.raw(payload).toBuffer();
    this.#enqueue({ data, sent: 0, kind: "message", done: ignoreOutcome });
  }

  #enqueueClose(): void {
    this.#enqueue({ data: Buffer.alloc(0), sent: 0, kind: "data", done: () => this.#sendClose() });
  }

  #sendClose(): void {
    if (this.#closeSent) return;
    this.#closeSent = true;
    this.#requests.stop();
    this.#sendNumbered(MESSAGE.channelClose);
  }

  #release(): void {
    this.#requests.stop();
    for (const resolve of this.#waitingReplies.splice(0)) resolve(false);
    this.#link.released(this);
    this.#resolveClosed();
  }

  /**
   * Ends the stream after the peer's CLOSE. Writes then fail; but an error also throws away what was not read yet, so as
   * long as somebody reads, that comes first.
   */
  #settle(): void {
    if (!this.#peerClosed || this.destroyed) return;
    const writesWait = this.#outgoing.length > 0;
    const nobodyReads = this.readableFlowing === null && this.listenerCount("readable") === 0;
    if (writesWait && (this.readableEnded || nobodyReads)) this.destroy(closedError());
    else if (this.readableEnded) this.destroy();
  }

  #dropOutgoing(error: Error): void {
    for (const item of this.#outgoing.splice(0)) item.done(error);
  }

  #consumed(bytes: number): void {
    this.#consumedBytes += bytes;
    if (this.#consumedBytes < WINDOW_BYTES / 2 || this.#peerEnded || this.#closeSent) return;
    const message = new SshWriter().byte(MESSAGE.channelWindowAdjust).uint32(this.#remoteId);
    this.#link.send(message.uint32(this.#consumedBytes).toBuffer());
    this.#receiveWindow += this.#consumedBytes;
    this.#consumedBytes = 0;
  }

  #sendNumbered(message: number): void {
    this.#link.send(this.#numbered(message));
  }

  #numbered(message: number): Buffer {
    if (message === MESSAGE.channelEof) this.#eofSent = true;
    return new SshWriter().byte(message).uint32(this.#remoteId).toBuffer();
  }
}

function closedError(): Error {
  return unavailable("The SSH channel is closed");
}

function ignoreOutcome(): void {
  return undefined;
}
