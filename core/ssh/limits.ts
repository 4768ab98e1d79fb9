import type { SshLimits } from "./contract.js";

/** Limits of an SSH server where the configuration says nothing; those that 4.2 has too carry its values. */
export const DEFAULT_LIMITS: SshLimits = {
  loginGraceMs: 30_000,
  maxAuthTries: 6,
  maxUnauthenticated: 1_000,
  maxPerAddress: 15_000,
  maxChannels: 1_000,
  rekeyBytes: 1 << 30,
  rekeyIntervalMs: 60 * 60_000,
  keepAliveIntervalMs: 5 * 60_000,
  keepAliveCountMax: 3,
};

/** Receive window per channel: what a peer may send before the reader has taken it. */
export const WINDOW_BYTES = 2 * 1024 * 1024;

/** Largest data field of one CHANNEL_DATA packet, in both directions (RFC 4253 §6.1 obliges peers to take it). */
export const PACKET_BYTES = 32 * 1024;

/** Largest packet of a peer that has authenticated, as in OpenSSH: a command or a variable comes in one. */
export const AUTHENTICATED_PACKET_BYTES = 256 * 1024;

/** Requests of one channel or connection that may wait for an answer before the peer is disconnected. */
export const MAX_WAITING_REQUESTS = 256;

/** Plain keys that a client may offer before they count as failed tries: agents offer all they hold. */
export const MAX_PLAIN_KEY_OFFERS = 32;
