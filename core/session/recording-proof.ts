/**
 * How a recording proxy tells a node that it records and audits the sessions of a connection, so that they are not on
 * record twice. Whoever reaches a node directly could say so too: the proxy proves that it is one of the cluster.
 */
import { accessDenied } from "../errors/error.js";
import { checkSshCertificate, parseSshCertificate } from "../pki/ssh-certificate.js";
import { signatureAlgorithmsFor, verifySsh } from "../pki/ssh-key.js";
import { SshReader, SshWriter } from "../pki/ssh-wire.js";
import type { SshSigner } from "../ssh/contract.js";

/** The global request that carries the proof; servers that do not know it refuse it. */
export const RECORDING_PROOF_REQUEST = "x-teleport-recorded-by-proxy";

const ROLE_EXTENSION = "x-teleport-role";

/** The payload of the request: host certificate, signature algorithm, signature over the SSH session's identifier. */
export async function recordingProof(signer: SshSigner, sessionId: Buffer): Promise<Buffer> {
  const [algorithm] = signatureAlgorithmsFor(signer.keyType);
  if (signer.certificate === undefined || algorithm === undefined) {
    throw accessDenied("this proxy has no host certificate to prove itself with");
  }
  const signature = await signer.sign(signedText(sessionId), algorithm);
  return new SshWriter().string(signer.certificate).string(algorithm).string(signature).toBuffer();
}

/** What a proof is held against. */
export interface ProofCheck {
  /** Of the connection that the proof came on. */
  readonly sessionId: Buffer;
  /** Public blobs of the cluster's host authority. */
  readonly authorities: readonly Buffer[];
  readonly now: Date;
}

/** Throws `access_denied` unless a proxy of the cluster made the proof for this very connection. */
export function checkRecordingProof(payload: Buffer, { sessionId, authorities, now }: ProofCheck): void {
  const reader = new SshReader(payload);
  const certificate = parseSshCertificate(Buffer.from(reader.string()));
  const algorithm = reader.text();
  const signature = reader.string();
  checkSshCertificate(certificate, { type: "host", authorities, now });
  if (certificate.extensions.get(ROLE_EXTENSION) !== "Proxy") {
    throw accessDenied("only proxies record sessions for nodes");
  }
  if (
    !signatureAlgorithmsFor(certificate.keyType).includes(algorithm) ||
    !verifySsh(certificate.publicBlob, algorithm, signature, signedText(sessionId))
  ) {
    throw accessDenied("the proof of a recording proxy is not signed by it for this connection");
  }
}

/** The request's name keeps the signature from meaning anything else. */
function signedText(sessionId: Buffer): Buffer {
  return new SshWriter().string(RECORDING_PROOF_REQUEST).string(sessionId).toBuffer();
}
