/**
 * Server side of the SSH agent protocol (draft-miller-ssh-agent): offers signers to whoever speaks on a stream, as when
 * `tsh` forwards its certificates. The keys stay here, and nothing can be added or removed.
 */
import type { Duplex } from "node:stream";
import { badParameter } from "../errors/error.js";
import { SshReader, SshWriter } from "../pki/ssh-wire.js";
import { AGENT, agentMessages, frameAgentMessage, SIGN_FLAGS } from "./agent-protocol.js";
import type { SshSigner } from "./contract.js";

/** A signer under the name that agents list. */
export interface ServedKey {
  readonly signer: SshSigner;
  readonly comment: string;
}

/** Answers requests until the stream ends. Resolves then, also where the peer broke the protocol. */
export async function serveAgent(stream: Duplex, keys: () => readonly ServedKey[]): Promise<void> {
  stream.on("error", () => undefined);
  try {
    for await (const message of agentMessages(stream))
      stream.write(frameAgentMessage(await answer(message, keys())));
    stream.end();
  } catch {
    stream.destroy();
  }
}

async function answer(message: Buffer, keys: readonly ServedKey[]): Promise<Buffer> {
  try {
    const reader = new SshReader(message);
    switch (reader.byte()) {
      case AGENT.requestIdentities:
        return listKeys(keys);
      case AGENT.signRequest:
        return await sign(keys, reader.string(), reader.string(), reader.uint32());
      default:
        return Buffer.of(AGENT.failure);
    }
  } catch {
    // The protocol has one answer for every failure and no text.
    return Buffer.of(AGENT.failure);
  }
}

function listKeys(keys: readonly ServedKey[]): Buffer {
  const entries = keys.flatMap(({ signer, comment }) => nameBlobs(signer).map((blob) => ({ blob, comment })));
  const writer = new SshWriter().byte(AGENT.identitiesAnswer).uint32(entries.length);
  for (const { blob, comment } of entries) writer.string(blob).string(comment);
  return writer.toBuffer();
}

async function sign(keys: readonly ServedKey[], blob: Buffer, data: Buffer, flags: number): Promise<Buffer> {
  const signer = keys.find((key) => nameBlobs(key.signer).some((name) => name.equals(blob)))?.signer;
  if (signer === undefined) throw badParameter("no such key");
  const algorithm = signer.keyType === "ssh-rsa" ? rsaAlgorithm(flags) : signer.keyType;
  const signature = new SshWriter().string(algorithm).string(await signer.sign(data, algorithm));
  return new SshWriter().byte(AGENT.signResponse).string(signature.toBuffer()).toBuffer();
}

function rsaAlgorithm(flags: number): string {
  if ((flags & SIGN_FLAGS.rsaSha512) !== 0) return "rsa-sha2-512";
  return (flags & SIGN_FLAGS.rsaSha256) !== 0 ? "rsa-sha2-256" : "ssh-rsa";
}

/** The blobs that name a key: its certificate, and the plain key. */
function nameBlobs(signer: SshSigner): Buffer[] {
  return signer.certificate === undefined ? [signer.publicBlob] : [signer.certificate, signer.publicBlob];
}
