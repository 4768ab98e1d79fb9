/**
 * The transport layer of one connection over any byte stream: bytes in, decrypted messages out, and back. It knows when
 * the stream is full, so that whoever has bulk data waits, and it turns every way a connection can fail into one
 * `closed` call. It never throws into the event loop. It is one long file because every path ends in the same few states.
 */
import { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { badParameter, errorMessage, hasCode, unavailable } from "../errors/error.js";
import { SshReader, SshWriter } from "../pki/ssh-wire.js";
import type { Clock } from "../plugin/clock.js";
import type { AlgorithmOffer } from "./algorithms.js";
import { AUTHENTICATED_PACKET_BYTES } from "./limits.js";
import { DISCONNECT, MESSAGE, type DisconnectReason } from "./messages.js";
import { poolPadding } from "./padding.js";
import {
  createProtocol,
  offerCiphers,
  sendMessage,
  sendMessageNow,
  takeLargePackets,
  watchKeyExchanges,
  type ExchangeHostKey,
  type KeyExchange,
  type ParseResult,
  type Ssh2Protocol,
} from "./ssh2-internals.js";
import { RekeySchedule, type RekeyLimits } from "./rekey.js";
import { startTimer } from "./timer.js";
import { quickenX25519 } from "./x25519.js";

/** What a connection does with its transport's events. All calls come one at a time. */
export interface TransportEvents {
  /** The first key exchange is done; messages may be sent. */
  ready(): void;
  /** A message arrived. The payload is only valid during the call unless it is kept whole; it starts with its number. */
  message(payload: Buffer): void;
  /** `writable` is true again after a writer was refused. */
  writable(): void;
  /** The connection is gone; without an error where either side said goodbye properly. Called once. */
  closed(error: Error | undefined): void;
}

/** How to make a transport. */
export interface TransportOptions {
  readonly stream: Duplex;
  /** The own identification string, such as `SSH-2.0-Teleport`. */
  readonly ident: string;
  readonly offer: AlgorithmOffer;
  /** Host key algorithm names, best first: a server's own, or those that a client accepts. */
  readonly hostKeyAlgorithms: readonly string[];
  readonly clock: Clock;
  /** Makes this the server side: its host keys by algorithm name. */
  readonly hostKeys?: Readonly<Record<string, ExchangeHostKey>>;
  /** Hooks into the protocol object before anything is sent. */
  prepare?(protocol: Ssh2Protocol): void;
  /** Sees every key exchange before its first message is handled. */
  exchangeBegins?(exchange: KeyExchange): void;
  /** Takes bytes that precede SSH off the stream: undefined while it wants more, then the first bytes of SSH. */
  readHead?: ((chunk: Buffer) => Buffer | undefined) | undefined;
}

/** Bulk data waits while this much is queued in the stream. */
const STREAM_FULL_BYTES = 512 * 1024;
/** Bulk data per turn of the event loop, so that one busy channel does not delay all other connections. */
const TURN_BYTES = 1024 * 1024;
/** A peer that makes us queue this much in answers is not read from until it takes them. */
const ANSWERS_FULL_BYTES = 4 * 1024 * 1024;
/** How long a closed connection waits for its peer to take the goodbye. */
const LINGER_MS = 2_000;
/** How long a key exchange may take after the first one. */
const EXCHANGE_TIMEOUT_MS = 120_000;
const LOST = "SSH connection lost";

/** One transport. `start` begins the exchange of identification strings. */
export class SshTransport {
  readonly #stream: Duplex;
  readonly #clock: Clock;
  readonly #protocol: Ssh2Protocol;
  readonly #isServer: boolean;
  #events: TransportEvents | undefined;
  #readHead: ((chunk: Buffer) => Buffer | undefined) | undefined;
  #peerVersion = "";
  #ready = false;
  #rekeySchedule: RekeySchedule | undefined;
  #closed = false;
  #corked = false;
  #turnBytes = 0;
  #writerWaits = false;
  #readPaused = false;
  #cancelExchange: (() => void) | undefined;
  #cancelLinger: (() => void) | undefined;

  constructor(options: TransportOptions) {
    this.#stream = options.stream;
    this.#clock = options.clock;
    this.#isServer = options.hostKeys !== undefined;
    const direction = {
      cipher: options.offer.ciphers,
      mac: options.offer.macs,
      compress: ["none"],
      lang: [],
    };
    this.#protocol = createProtocol({
      server: this.#isServer,
      ident: options.ident.replace(/^SSH-2\.0-/, ""),
      offer: {
        kex: options.offer.kex,
        serverHostKey: options.hostKeyAlgorithms,
        cs: direction,
        sc: direction,
      },
      hostKeys: options.hostKeys,
      hostVerifier: undefined,
      onWrite: (data) => this.#write(data),
      onError: (error) => this.#finish(unavailable(`SSH: ${error.message}`, { cause: error })),
      onHeader: ({ identRaw }) => {
        this.#peerVersion = identRaw;
      },
      onHandshakeComplete: () => this.#exchangeDone(),
      messageHandlers: { DISCONNECT: (_protocol, reason, text) => this.#peerDisconnected(reason, text) },
    });
    const ssh2Receives = this.#protocol._onPayload;
    this.#protocol._onPayload = (payload) => this.#message(payload, ssh2Receives);
    this.#readHead = options.readHead?.bind(options);
    watchKeyExchanges(this.#protocol, (exchange) => {
      quickenX25519(exchange);
      options.exchangeBegins?.(exchange);
    });
    options.prepare?.(this.#protocol);
  }

  /** The peer's identification string; empty before it came. */
  get peerVersion(): string {
    return this.#peerVersion;
  }

  /** The exchange hash of the first key exchange (RFC 4253 §7.2): what authentication signs. */
  get sessionId(): Buffer {
    const id = this.#protocol._kex?.sessionID;
    if (id === undefined) throw unavailable("The SSH key exchange is not done yet");
    return id;
  }

  /** Whether bulk data may be sent now. Where it may not, `writable()` is called as soon as it may. */
  get writable(): boolean {
    if (this.#closed) return false;
    const writable =
      this.#protocol._kexinit === undefined &&
      this.#turnBytes < TURN_BYTES &&
      this.#stream.writableLength < STREAM_FULL_BYTES;
    if (!writable) this.#writerWaits = true;
    return writable;
  }

  /** Whether the connection is gone or going. */
  get closed(): boolean {
    return this.#closed;
  }

  /** Sends the identification string and reads the peer's messages from now on. */
  start(events: TransportEvents): void {
    this.#events = events;
    const stream = this.#stream;
    if (stream instanceof Socket) stream.setNoDelay(true);
    stream.on("error", (error: Error) => this.#finish(connectionLost(error)));
    stream.on("end", () => this.#finish(unavailable(`${LOST}: the peer hung up`)));
    stream.on("close", () => {
      this.#finish(unavailable(LOST));
      this.#cancelLinger?.();
    });
    stream.on("drain", () => this.#drained());
    this.contain(() => this.#protocol.start());
    stream.on("data", (chunk: Buffer) => this.#read(chunk));
    // A listener does not start a stream that its former owner has paused.
    stream.resume();
  }

  /** Narrows the own offer to these ciphers; before the peer's identification string was read. */
  offerCiphers(ciphers: readonly string[]): void {
    offerCiphers(this.#protocol, ciphers);
  }

  /**
   * Trusts the peer with what costs more, since it has authenticated: large packets, and key exchanges, which begin by these
   * limits from now on.
   */
  authenticated(limits: RekeyLimits): void {
    takeLargePackets(this.#protocol, AUTHENTICATED_PACKET_BYTES);
    this.#rekeySchedule = new RekeySchedule(limits, this.#clock, () => this.rekey());
  }

  /** Begins a key exchange, unless one is in progress. */
  rekey(): void {
    if (this.#closed || this.#protocol._kexinit !== undefined) return;
    // Later, since this may be called from within the encryption of a packet.
    setImmediate(() => {
      if (this.#closed) return;
      this.contain(() => this.#protocol.rekey());
      this.#watchExchange();
    });
  }

  /** Sends one message. Ignored once the connection is closed. */
  send(payload: Uint8Array): void {
    if (this.#closed) return;
    this.contain(() => sendMessage(this.#protocol, payload.length, (packet, at) => packet.set(payload, at)));
  }

  /** Sends CHANNEL_DATA or, with a type code, CHANNEL_EXTENDED_DATA (RFC 4254 §5.2) without a copy in between. */
  sendData(channel: number, data: Buffer, extendedType: number | undefined): void {
    if (this.#closed) return;
    this.#countTurn(data.length);
    this.contain(() =>
      sendMessage(this.#protocol, (extendedType === undefined ? 9 : 13) + data.length, (packet, start) => {
        let at = start;
        packet[at] = extendedType === undefined ? MESSAGE.channelData : MESSAGE.channelExtendedData;
        at = packet.writeUInt32BE(channel, at + 1);
        if (extendedType !== undefined) at = packet.writeUInt32BE(extendedType, at);
        at = packet.writeUInt32BE(data.length, at);
        packet.set(data, at);
      }),
    );
  }

  /** Says that a message was not understood (RFC 4253 §11.4). */
  sendUnimplemented(): void {
    const sequence = ((this.#protocol._decipher?.inSeqno ?? 1) - 1) >>> 0;
    this.send(new SshWriter().byte(MESSAGE.unimplemented).uint32(sequence).toBuffer());
  }

  /** Sends DISCONNECT with a text for the peer's user, and closes. `error` is what `closed` reports. */
  disconnect(reason: DisconnectReason, text: string, error?: Error): void {
    if (this.#closed) return;
    const goodbye = new SshWriter().byte(MESSAGE.disconnect).uint32(reason).string(text).string("");
    this.contain(() => sendMessageNow(this.#protocol, goodbye.toBuffer()));
    this.#finish(error);
  }

  /** Runs code that may fail by the peer's or ssh2's doing; a failure ends this connection and nothing else. */
  contain(run: () => void): void {
    try {
      run();
    } catch (error) {
      if (this.#closed) return;
      if (hasCode(error, "access_denied") && error instanceof Error) {
        this.disconnect(DISCONNECT.hostKeyNotVerifiable, "Host key refused", error);
        return;
      }
      const failure = unavailable(`SSH protocol error: ${errorMessage(error)}`, { cause: error });
      const text = hasCode(error, "bad_parameter") ? errorMessage(error) : "Protocol error";
      this.disconnect(DISCONNECT.protocolError, text, failure);
    }
  }

  #write(data: Buffer): void {
    if (this.#stream.destroyed || this.#stream.writableEnded) return;
    this.#rekeySchedule?.sent(data.length);
    if (!this.#corked) {
      this.#corked = true;
      this.#stream.cork();
      process.nextTick(() => {
        this.#corked = false;
        this.#stream.uncork();
        this.#throttleReading();
      });
    }
    this.#stream.write(data);
  }

  #read(chunk: Buffer): void {
    if (this.#closed) return;
    this.contain(() => {
      const data = this.#readHead === undefined ? chunk : this.#readHead(chunk);
      if (data === undefined) return;
      this.#readHead = undefined;
      this.#protocol.parse(data, 0, data.length);
    });
    this.#rekeySchedule?.received(chunk.length);
  }

  #message(payload: Buffer, ssh2Receives: (payload: Buffer) => ParseResult): ParseResult {
    if (this.#closed) return Infinity;
    const type = payload[0] ?? 0;
    switch (type) {
      case 0:
      case MESSAGE.ignore:
      case MESSAGE.unimplemented:
      case MESSAGE.debug:
        return undefined;
      case MESSAGE.disconnect: {
        const reader = new SshReader(payload, 1);
        this.#peerDisconnected(reader.uint32(), reader.text());
        return Infinity;
      }
      case MESSAGE.kexInit:
        if (this.#rekeySchedule === undefined) throw badParameter("key re-exchange before authentication");
        this.#watchExchange();
        return ssh2Receives(payload);
      default:
        this.#events?.message(payload);
        return this.#closed ? Infinity : undefined;
    }
  }

  #exchangeDone(): void {
    this.#cancelExchange?.();
    this.#cancelExchange = undefined;
    this.#rekeySchedule?.restart();
    if (this.#rekeySchedule !== undefined) takeLargePackets(this.#protocol, AUTHENTICATED_PACKET_BYTES);
    poolPadding(this.#protocol._cipher);
    if (!this.#ready) {
      this.#ready = true;
      this.#events?.ready();
    } else {
      this.#wakeWriters();
    }
  }

  #watchExchange(): void {
    this.#cancelExchange ??= startTimer(this.#clock, EXCHANGE_TIMEOUT_MS, () =>
      this.disconnect(
        DISCONNECT.keyExchangeFailed,
        "Key re-exchange timed out",
        unavailable(`${LOST}: key re-exchange timed out`),
      ),
    );
  }

  #countTurn(bytes: number): void {
    if (this.#turnBytes === 0) {
      setImmediate(() => {
        this.#turnBytes = 0;
        this.#wakeWriters();
      });
    }
    this.#turnBytes += bytes;
  }

  #drained(): void {
    if (this.#readPaused) {
      this.#readPaused = false;
      this.#stream.resume();
    }
    this.#wakeWriters();
  }

  #wakeWriters(): void {
    if (!this.#writerWaits || !this.writable) return;
    this.#writerWaits = false;
    this.#events?.writable();
  }

  #throttleReading(): void {
    if (this.#readPaused || this.#closed || this.#stream.writableLength < ANSWERS_FULL_BYTES) return;
    this.#readPaused = true;
    this.#stream.pause();
  }

  #peerDisconnected(reason: number, text: string): void {
    const proper = reason === DISCONNECT.byApplication;
    const words = printable(text) || `reason ${String(reason)}`;
    this.#finish(
      proper ? undefined : unavailable(`The SSH peer disconnected: ${words}`, { context: { reason } }),
    );
  }

  #finish(error: Error | undefined): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#cancelExchange?.();
    this.#rekeySchedule?.stop();
    const stream = this.#stream;
    if (!stream.destroyed) {
      // The peer gets time to take the goodbye: data left unread would make the kernel reset the connection.
      if (!stream.writableEnded) stream.end();
      stream.resume();
      this.#cancelLinger = startTimer(this.#clock, LINGER_MS, () => stream.destroy());
    }
    // Not from within ssh2's parser, which still holds the ciphers.
    setImmediate(() => this.#protocol.cleanup());
    this.#events?.closed(error);
  }
}

/** A stream may itself be a channel of a connection that was lost: that is said once. */
function connectionLost(cause: Error): Error {
  return cause.message.startsWith(LOST) ? cause : unavailable(`${LOST}: ${cause.message}`, { cause });
}

function printable(text: string): string {
  return text
    .replace(/[^\x20-\x7e]+/g, " ")
    .trim()
    .slice(0, 200);
}
