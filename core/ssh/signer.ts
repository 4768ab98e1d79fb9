import type { KeyObject } from "node:crypto";
import { badParameter } from "../errors/error.js";
import { parseSshCertificate } from "../pki/ssh-certificate.js";
import { signSsh, sshPublicBlob } from "../pki/ssh-key.js";
import { SshReader } from "../pki/ssh-wire.js";
import type { SshSigner } from "./contract.js";

/**
 * Makes a signer of a private key, with or without its certificate.
 *
 * @throws bad_parameter where the certificate certifies another key.
 */
export function createSigner(privateKey: KeyObject, certificate?: Buffer): SshSigner {
  const publicBlob = sshPublicBlob(privateKey);
  if (certificate !== undefined && !parseSshCertificate(certificate).publicBlob.equals(publicBlob)) {
    throw badParameter(
      "The SSH certificate does not belong to this private key; issue it for the key's public half",
    );
  }
  return {
    keyType: new SshReader(publicBlob).text(),
    publicBlob,
    certificate,
    privateKey,
    sign: (data, algorithm) => Promise.resolve().then(() => signSsh(privateKey, algorithm, data)),
  };
}
