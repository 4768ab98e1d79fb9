/**
 * The file through which we reach into ssh2 (pinned exactly). Of ssh2 we use its transport: identification, key exchange,
 * ciphers and packet framing (RFC 4253). Everything above, that is authentication, channels and requests, is our own, since
 * ssh2 knows no certificates and mishandles half-close, late requests and windows. This file types exactly the members
 * used; the conformance tests against OpenSSH fail if an upgrade moves one of them.
 */
import { createRequire } from "node:module";
import { type LimitedDecipher, liftPacketLimit } from "./ssh2-packet-limit.js";

/** A server host key as ssh2's key exchange uses it. */
export interface ExchangeHostKey {
  readonly type: string;
  /** The blob that is sent as K_S and hashed into the exchange. */
  getPublicSSH(): Buffer;
  /** The raw signature field over the exchange hash, or an error. */
  sign(exchangeHash: Buffer): Buffer | Error;
}

/** Name lists of a KEXINIT message (RFC 4253 §7.1). */
export interface ExchangeOffer {
  kex: readonly string[];
  serverHostKey: readonly string[];
  cs: DirectionOffer;
  sc: DirectionOffer;
}

interface DirectionOffer {
  cipher: readonly string[];
  mac: readonly string[];
  compress: readonly string[];
  lang: readonly string[];
}

/** What one key exchange agreed on. */
export interface Negotiated {
  kex: string;
  serverHostKey: string;
  cs: { cipher: string };
  sc: { cipher: string };
}

/** A key exchange in progress or done. */
export interface KeyExchange {
  readonly type: string;
  readonly sessionID: Buffer | undefined;
  readonly negotiated: Negotiated;
  /** Whether the peer offered `ext-info-c`; ssh2 then sends an EXT_INFO of its own unless this is cleared. */
  remoteExtInfoEnabled: boolean;
  _step: number;
  /** Client: K_S as it is hashed, and later parsed to verify the signature. */
  _hostKey: Buffer;
  parse(payload: Buffer): ParseResult;
  getPublicKey(): Buffer;
  computeSecret(peerKey: Buffer): Buffer | Error;
}

/** What ssh2's packet parser takes from a handler: where to go on, `false` = here, undefined = with the next packet. */
export type ParseResult = number | false | undefined;

/** An outbound cipher. Plaintext packets are length, padding length, payload, padding, and room for the tag. */
export interface PacketCipher {
  allocPacket(payloadBytes: number): Buffer;
  encrypt(packet: Buffer): void;
}

/** ssh2's transport protocol object, by the members that we use. */
export interface Ssh2Protocol {
  start(): void;
  parse(chunk: Buffer, from: number, to: number): void;
  rekey(): void;
  cleanup(): void;
  /** Set while a key exchange that we answered or began is not done. */
  readonly _kexinit: Buffer | undefined;
  _kex: KeyExchange | undefined;
  /** Packets that wait for the end of a key exchange: bare payloads. */
  _queue: Buffer[] | undefined;
  readonly _cipher: PacketCipher;
  /** What the next KEXINIT offers. */
  _offer: OfferLists;
  readonly _decipher: (LimitedDecipher & { readonly inSeqno: number }) | undefined;
  readonly _packetRW: {
    readonly write: {
      readonly allocStart: number;
      readonly allocStartKEX: number;
      alloc(payloadBytes: number, duringExchange?: boolean): Buffer;
      finalize(packet: Buffer, duringExchange?: boolean): Buffer;
    };
  };
  /** Receives every decrypted payload outside key exchanges. */
  _onPayload: (payload: Buffer) => ParseResult;
  _hostKeys: Readonly<Record<string, ExchangeHostKey>>;
}

/** ssh2's form of an offer; its constructor takes the plain one. */
interface OfferLists {
  readonly lists: {
    readonly kex: NameList;
    readonly serverHostKey: NameList;
    readonly cs: { readonly mac: NameList };
  };
  readonly constructor: unknown;
}

interface NameList {
  readonly array: readonly string[];
}

interface ProtocolConfig {
  server: boolean;
  /** The part of the identification string after `SSH-2.0-`. */
  ident: string;
  offer: ExchangeOffer;
  hostKeys: Readonly<Record<string, ExchangeHostKey>> | undefined;
  /** Client: false refuses the host key. */
  hostVerifier: ((blob: Buffer) => boolean) | undefined;
  onWrite(data: Buffer): void;
  onError(error: Error): void;
  onHeader(header: { identRaw: string }): void;
  onHandshakeComplete(negotiated: Negotiated): void;
  messageHandlers: { DISCONNECT(protocol: unknown, reason: number, description: string): void };
}

const load = createRequire(import.meta.url);
liftPacketLimit(load);
const Protocol = load("ssh2/lib/protocol/Protocol.js") as new (config: ProtocolConfig) => Ssh2Protocol;

/** Makes a transport protocol object; nothing is sent before its `start()`. */
export function createProtocol(config: ProtocolConfig): Ssh2Protocol {
  return new Protocol(config);
}

/**
 * Writes one message. During a key exchange ssh2's queue takes the bare payload (RFC 4253 §7.1 forbids sending then).
 * `fill` writes exactly `size` bytes at the given offset.
 */
export function sendMessage(
  protocol: Ssh2Protocol,
  size: number,
  fill: (packet: Buffer, at: number) => void,
): void {
  const writer = protocol._packetRW.write;
  const at = writer.allocStart;
  const packet = writer.alloc(size);
  fill(packet, at);
  const ready = writer.finalize(packet);
  if (protocol._kexinit === undefined) protocol._cipher.encrypt(ready);
  else (protocol._queue ??= []).push(ready);
}

/** Writes one message at once, also during a key exchange: only DISCONNECT may do so. */
export function sendMessageNow(protocol: Ssh2Protocol, payload: Buffer): void {
  const writer = protocol._packetRW.write;
  const at = writer.allocStartKEX;
  const packet = writer.alloc(payload.length, true);
  packet.set(payload, at);
  protocol._cipher.encrypt(writer.finalize(packet, true));
}

/**
 * Calls `seen` with every key exchange object that ssh2 makes for this protocol, before it handles a message. May be called
 * once per protocol.
 */
export function watchKeyExchanges(protocol: Ssh2Protocol, seen: (exchange: KeyExchange) => void): void {
  let current = protocol._kex;
  Object.defineProperty(protocol, "_kex", {
    enumerable: true,
    get: () => current,
    set: (exchange: KeyExchange | undefined) => {
      current = exchange;
      if (exchange !== undefined) seen(exchange);
    },
  });
}

/** Takes packets of up to this size with the keys now in use; the next key exchange goes back to 35000 bytes. */
export function takeLargePackets(protocol: Ssh2Protocol, maxBytes: number): void {
  if (protocol._decipher !== undefined) protocol._decipher.maxPacketBytes = maxBytes;
}

/** Narrows what the next KEXINIT offers to these ciphers. */
export function offerCiphers(protocol: Ssh2Protocol, ciphers: readonly string[]): void {
  const { kex, serverHostKey, cs } = protocol._offer.lists;
  const direction = { cipher: ciphers, mac: cs.mac.array, compress: ["none"], lang: [] };
  const Offer = protocol._offer.constructor as new (offer: ExchangeOffer) => OfferLists;
  protocol._offer = new Offer({
    kex: kex.array,
    serverHostKey: serverHostKey.array,
    cs: direction,
    sc: direction,
  });
}
