/**
 * core/ssh: the one adapter over ssh2. This file is what the rest of the product sees of SSH; ssh2 itself is imported
 * nowhere else. A connection is symmetric: after authentication both ends open channels and send global requests.
 * Protocol numbers and names: RFC 4250-4254, OpenSSH PROTOCOL and PROTOCOL.certkeys.
 */
import type { KeyObject } from "node:crypto";
import type { Duplex, Readable } from "node:stream";
import type { SshCertificate } from "../pki/ssh-certificate.js";

/** RFC 4254 §5.1 reasons for refusing a channel. */
export const OPEN_FAILURE = {
  administrativelyProhibited: 1,
  connectFailed: 2,
  unknownChannelType: 3,
  resourceShortage: 4,
} as const;

/** A channel request or global request that the peer sent. */
export interface PeerRequest {
  readonly name: string;
  readonly wantReply: boolean;
  /** The request-specific data, still encoded (see core/ssh/wire.ts for its reader). */
  readonly payload: Buffer;
}

/** Answer to a request: false = failure, true = success, a buffer = success with data (global requests only). */
export type RequestReply = boolean | Buffer;

/**
 * One channel: a byte stream with true half-close. `end()` sends EOF and leaves the other direction open; the channel
 * closes once both ends have ended and `close()` was called by either side, or at once by `close()`. Reading is what
 * opens the peer's window: a reader that stops reading stops the peer, so memory per channel is bounded by the window.
 */
export interface SshChannel extends Duplex {
  readonly type: string;
  /** Data that the peer sends as extended data type 1. Must be consumed or resumed. */
  readonly extended: Readable;
  /** Writes extended data type 1 (stderr); the promise resolves when the peer's window has taken it. */
  writeExtended(data: Uint8Array): Promise<void>;
  /** Sends a channel request; with `wantReply` resolves to the peer's answer, else to true. */
  request(name: string, wantReply: boolean, payload?: Uint8Array): Promise<boolean>;
  /** Handles every request of the peer, in order; replies leave in order, also when handlers are asynchronous. */
  onRequest(handler: (request: PeerRequest) => boolean | Promise<boolean>): void;
  /** Sends `exit-status`; call before `end()` and `close()`. */
  exitStatus(code: number): void;
  /** Sends `exit-signal` with a signal name without `SIG`. */
  exitSignal(signal: string, coreDumped: boolean, message: string): void;
  /** Sends what is queued, then EOF (if not sent) and CLOSE. Idempotent. */
  close(): void;
  /** Resolves when the channel is closed on both sides or its connection is gone. Never rejects. */
  readonly whenClosed: Promise<void>;
}

/** A channel the peer wants to open. Exactly one of `accept` and `reject` must be called. */
export interface ChannelOpen {
  readonly type: string;
  /** Type-specific data, still encoded. */
  readonly payload: Buffer;
  accept(): SshChannel;
  reject(reason: (typeof OPEN_FAILURE)[keyof typeof OPEN_FAILURE], message: string): void;
}

/** Counters of one connection: payload bytes over all its channels. */
export interface ByteCounts {
  received: number;
  sent: number;
}

/** An authenticated SSH connection, on either side. */
export interface SshConnection {
  /** The SSH user name of the authentication. */
  readonly user: string;
  /** The peer's certificate: the user's (server side) or the host's (client side); absent for a plain host key. */
  readonly peerCertificate: SshCertificate | undefined;
  /** The peer's identification string, such as `SSH-2.0-OpenSSH_9.2p1`. */
  readonly peerVersion: string;
  /** `ip:port` of the peer; behind a proxy, the address that the proxy handed over. */
  readonly remoteAddress: string;
  readonly localAddress: string;
  /** The session identifier (RFC 4253 §7.2): what is signed over it holds for this connection alone. */
  readonly sessionId: Buffer;
  readonly bytes: ByteCounts;
  /** Decides about channels that the peer opens. Without a handler for a type it is refused with reason 3. */
  onChannel(type: string, handler: (open: ChannelOpen) => void): void;
  /** Answers global requests by name; `keepalive@openssh.com` is answered already. Unknown ones are refused. */
  onGlobalRequest(
    name: string,
    handler: (request: PeerRequest) => RequestReply | Promise<RequestReply>,
  ): void;
  /** Opens a channel. Throws `access_denied` or `unavailable` with the peer's words where it refuses. */
  openChannel(type: string, payload?: Uint8Array): Promise<SshChannel>;
  /** Sends a global request; the data of a success, or undefined for a failure (or where no reply was asked for). */
  globalRequest(name: string, wantReply: boolean, payload?: Uint8Array): Promise<Buffer | undefined>;
  /** Sends DISCONNECT with a text and closes. Idempotent. */
  disconnect(message: string): void;
  /** Resolves when the connection is gone, with the error that ended it, if any. Never rejects. */
  readonly whenClosed: Promise<Error | undefined>;
}

/** A private key with a certificate (or without one), able to sign for user or host authentication. */
export interface SshSigner {
  /** The key type of the plain key: `ssh-ed25519`, `ecdsa-sha2-nistp256`, `ssh-rsa`. */
  readonly keyType: string;
  /** Public key blob of the plain key. */
  readonly publicBlob: Buffer;
  /** Certificate blob, where there is one. */
  readonly certificate: Buffer | undefined;
  /** The private key; absent for keys held by an agent. */
  readonly privateKey: KeyObject | undefined;
  /** Signs with the given signature algorithm (`rsa-sha2-512`, `ssh-ed25519` …); returns the raw signature field. */
  sign(data: Buffer, algorithm: string): Promise<Buffer>;
}

/** What a server knows of a client that wants in. */
export interface AuthAttempt {
  readonly user: string;
  readonly remoteAddress: string;
  readonly localAddress: string;
  /** The verified certificate: its own signature, the proof of possession and its CA's signature are checked. */
  readonly certificate: SshCertificate;
}

/** Why a client was turned away before or at authentication. */
export interface AuthFailure {
  readonly user: string;
  readonly remoteAddress: string;
  readonly localAddress: string;
  readonly reason: string;
  readonly certificate: SshCertificate | undefined;
  /** Whether the certificate is verified as in {@link AuthAttempt}; else all it says may be made up. */
  readonly verified: boolean;
}

/** Limits of an SSH server. Defaults are in core/ssh/limits.ts. */
export interface SshLimits {
  /** Time from accept to successful authentication. */
  loginGraceMs: number;
  /** Failed publickey attempts per connection. */
  maxAuthTries: number;
  /** Connections that have not authenticated yet, over all clients. */
  maxUnauthenticated: number;
  /** Connections per source address. */
  maxPerAddress: number;
  /** Open channels per connection. */
  maxChannels: number;
  /** Rekey after this many bytes in either direction. */
  rekeyBytes: number;
  /** Rekey after this long. */
  rekeyIntervalMs: number;
  /** Keepalive request interval; 0 = none. */
  keepAliveIntervalMs: number;
  /** Unanswered keepalives that end the connection. */
  keepAliveCountMax: number;
}

/** Algorithm preferences, as teleport.yaml names them. Absent lists take the defaults. */
export interface SshAlgorithms {
  ciphers?: readonly string[];
  kex?: readonly string[];
  macs?: readonly string[];
  /** Accept SHA-1 `ssh-rsa` user and CA signatures (`teleport.compatibility: "4.2"`). */
  allowSha1?: boolean;
}
