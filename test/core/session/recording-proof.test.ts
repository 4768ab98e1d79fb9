import assert from "node:assert/strict";
import { generateEd25519KeyPair } from "../../../core/pki/keys.js";
import { issueSshCertificate } from "../../../core/pki/ssh-certificate.js";
import { parseAuthorizedKey, sshPublicBlob } from "../../../core/pki/ssh-key.js";
import { checkRecordingProof, recordingProof } from "../../../core/session/recording-proof.js";
import type { SshSigner } from "../../../core/ssh/contract.js";
import { createSigner } from "../../../core/ssh/signer.js";

const SESSION = Buffer.from("the identifier of one connection");
const authority = generateEd25519KeyPair().privateKey;

function hostOf(role: string, signedBy = authority): SshSigner {
  const { privateKey } = generateEd25519KeyPair();
  const line = issueSshCertificate(
    {
      type: "host",
      publicBlob: sshPublicBlob(privateKey),
      keyId: "",
      principals: ["proxy"],
      validAfter: new Date(0),
      validBefore: null,
      extensions: { "x-teleport-role": role },
    },
    signedBy,
  );
  return createSigner(privateKey, parseAuthorizedKey(line).blob);
}

const check = (proof: Buffer, sessionId = SESSION): void =>
  checkRecordingProof(proof, { sessionId, authorities: [sshPublicBlob(authority)], now: new Date() });

describe("recording proof", () => {
  it("of a proxy of the cluster is taken", async () => {
    check(await recordingProof(hostOf("Proxy"), SESSION));
  });

  it("is good for one connection only", async () => {
    const proof = await recordingProof(hostOf("Proxy"), SESSION);
    assert.throws(
      () => check(proof, Buffer.from("another connection")),
      /not signed by it for this connection/,
    );
  });

  it("of another host of the cluster is refused", async () => {
    const proof = await recordingProof(hostOf("Node"), SESSION);
    assert.throws(() => check(proof), /only proxies record/);
  });

  it("of another cluster's proxy is refused", async () => {
    const proof = await recordingProof(hostOf("Proxy", generateEd25519KeyPair().privateKey), SESSION);
    assert.throws(() => check(proof), /unknown authority/);
  });

  it("with the certificate of a proxy but not its key is refused", async () => {
    const stolen = { ...hostOf("Node"), certificate: hostOf("Proxy").certificate };
    const proof = await recordingProof(stolen, SESSION);
    assert.throws(() => check(proof), /not signed by it/);
  });

  it("that is garbage is refused", () => {
    assert.throws(() => check(Buffer.from("garbage")));
  });
});
