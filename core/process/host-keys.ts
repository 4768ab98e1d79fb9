/**
 * The host keys that a service presents to SSH clients: an Ed25519 key, which costs a twentieth of an RSA signature and
 * which every client of today prefers, and the RSA key of the identity. Both have certificates of the host authority.
 */
import { createPublicKey } from "node:crypto";
import type { AuthApi } from "../auth/client/api.js";
import type { HostIdentity } from "../auth/client/identity.js";
import type { ExtraHostKey, IdentityStore } from "../auth/client/identity-store.js";
import { generateEd25519KeyPair, parsePrivateKey, privateKeyPem, publicKeyPem } from "../pki/keys.js";
import { parseSshCertificateLine } from "../pki/ssh-certificate.js";
import { sshPublicLine } from "../pki/ssh-key.js";
import type { SshSigner } from "../ssh/contract.js";
import { createSigner } from "../ssh/signer.js";

const KEY_NAME = "ed25519";

/** Signers of a host, preferred first. The Ed25519 key is certified once and stored beside the identity. */
export async function hostSigners(
  identity: HostIdentity,
  identities: IdentityStore,
  api: AuthApi,
): Promise<readonly SshSigner[]> {
  const rsa = parseSshCertificateLine(identity.sshCertificate);
  const stored = await identities.readExtraKey(identity.role, KEY_NAME);
  const extra =
    stored && sameHost(stored, rsa.principals) ? stored : await certifyKey(identity, api, rsa.principals);
  if (extra !== stored) await identities.writeExtraKey(identity.role, KEY_NAME, extra);
  return [
    createSigner(parsePrivateKey(extra.keyPem), parseSshCertificateLine(extra.sshCertificate).blob),
    createSigner(parsePrivateKey(identity.keyPem), rsa.blob),
  ];
}

/** A host renews its own certificates with the call of CA rotation, here for a second SSH key (wire.md §6.6). */
async function certifyKey(
  identity: HostIdentity,
  api: AuthApi,
  principals: readonly string[],
): Promise<ExtraHostKey> {
  const pair = generateEd25519KeyPair();
  const packed = await api.generateServerKeys({
    host_id: identity.hostId,
    node_name: "",
    roles: [identity.role],
    additional_principals: [...principals],
    dns_names: null,
    public_tls_key: base64(publicKeyPem(createPublicKey(identity.keyPem))),
    public_ssh_key: base64(sshPublicLine(pair.publicKey)),
    remote_addr: "",
  });
  return {
    keyPem: privateKeyPem(pair.privateKey),
    sshCertificate: Buffer.from(packed.cert, "base64").toString(),
  };
}

/** A key certified for other names, or by an authority that is no longer the identity's, is replaced. */
function sameHost(extra: ExtraHostKey, principals: readonly string[]): boolean {
  const carried = new Set(parseSshCertificateLine(extra.sshCertificate).principals);
  return principals.every((name) => carried.has(name));
}

function base64(text: string): string {
  return Buffer.from(text).toString("base64");
}
