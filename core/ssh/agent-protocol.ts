/** Messages of the SSH agent protocol (draft-miller-ssh-agent) and their framing. */
import type { Duplex } from "node:stream";
import { badParameter, unavailable } from "../errors/error.js";

/** Message numbers (§6.1). */
export const AGENT = {
  failure: 5,
  success: 6,
  requestIdentities: 11,
  identitiesAnswer: 12,
  signRequest: 13,
  signResponse: 14,
  addIdentity: 17,
  removeIdentity: 18,
  removeAllIdentities: 19,
  addConstrained: 25,
  extension: 27,
} as const;

/** Flags of a sign request (§5.3): which RSA signature is asked for. Without one it is SHA-1. */
export const SIGN_FLAGS = { rsaSha256: 2, rsaSha512: 4 } as const;

/** Constraint of an added key (§5.2.7.1): seconds until the agent forgets it. */
export const CONSTRAIN_LIFETIME = 1;

/** Longest message that is taken, like OpenSSH's. */
const MAX_MESSAGE_BYTES = 256 * 1024;

/** Puts the length before a message. */
export function frameAgentMessage(message: Buffer): Buffer {
  const length = Buffer.allocUnsafe(4);
  length.writeUInt32BE(message.length);
  return Buffer.concat([length, message]);
}

/**
 * Yields the messages of a stream.
 *
 * @throws bad_parameter for a message of absurd length, unavailable where the stream ends within one.
 */
export async function* agentMessages(stream: Duplex): AsyncGenerator<Buffer, void, void> {
  let waiting: Buffer = Buffer.alloc(0);
  for await (const chunk of stream) {
    waiting = Buffer.concat([waiting, chunk as Buffer]);
    while (waiting.length >= 4) {
      const length = waiting.readUInt32BE(0);
      if (length === 0 || length > MAX_MESSAGE_BYTES)
        throw badParameter("SSH agent message of invalid length");
      if (waiting.length < 4 + length) break;
      const message = waiting.subarray(4, 4 + length);
      waiting = waiting.subarray(4 + length);
      yield message;
    }
  }
  if (waiting.length > 0) throw unavailable("The SSH agent connection ended within a message");
}
