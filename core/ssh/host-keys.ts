/** How a server presents its host keys and certificates in the key exchange (RFC 4253 §8, PROTOCOL.certkeys). */
import { badParameter, errorMessage } from "../errors/error.js";
import { signSsh } from "../pki/ssh-key.js";
import { CERTIFICATE_SUFFIX, KEY_TYPES } from "./algorithms.js";
import { signatureAlgorithmsFor } from "../pki/ssh-key.js";
import type { SshSigner } from "./contract.js";
import type { ExchangeHostKey, Ssh2Protocol } from "./ssh2-internals.js";

/** A server's host keys by algorithm name, best first, and what to do once ssh2 has its protocol object. */
export interface HostKeyOffer {
  readonly algorithms: readonly string[];
  readonly keys: Readonly<Record<string, ExchangeHostKey>>;
  /** Ties the keys to their connection. */
  bind(protocol: Ssh2Protocol): void;
  /** Whether the client understands EXT_INFO (RFC 8308); known once the first key exchange is done. */
  clientTakesExtensions(): boolean;
}

/**
 * Prepares the signers for one connection, so that a rotated certificate is presented to the next client.
 * Certificates come first; plain keys follow for clients that know no certificates. SHA-1 is offered only where the
 * only key is RSA, since `tsh` 4.2 would prefer it.
 *
 * @throws bad_parameter without a usable signer.
 */
export function offerHostKeys(signers: readonly SshSigner[], allowSha1: boolean): HostKeyOffer {
  const usable = KEY_TYPES.flatMap((type) =>
    signers.filter((signer) => signer.keyType === type && signer.privateKey),
  );
  if (usable.length === 0) throw badParameter("An SSH server needs at least one host key");
  const sha1 = allowSha1 && usable.every((signer) => signer.keyType === "ssh-rsa");
  const connection: { protocol?: Ssh2Protocol; extensions: boolean } = { extensions: false };
  const keys: Record<string, ExchangeHostKey> = {};
  for (const withCertificate of [true, false]) {
    for (const signer of usable) {
      const blob = withCertificate ? signer.certificate : signer.publicBlob;
      if (blob === undefined) continue;
      for (const signature of signatureAlgorithmsFor(signer.keyType, sha1)) {
        const name = withCertificate ? signature + CERTIFICATE_SUFFIX : signature;
        keys[name] ??= exchangeHostKey(signer, blob, name, signature, connection);
      }
    }
  }
  return {
    algorithms: Object.keys(keys),
    keys,
    bind: (protocol) => {
      connection.protocol = protocol;
    },
    clientTakesExtensions: () => connection.extensions,
  };
}

function exchangeHostKey(
  signer: SshSigner,
  blob: Buffer,
  type: string,
  signature: string,
  connection: { protocol?: Ssh2Protocol; extensions: boolean },
): ExchangeHostKey {
  return {
    type,
    getPublicSSH: () => blob,
    sign: (exchangeHash) => {
      const exchange = connection.protocol?._kex;
      if (exchange !== undefined) {
        // ssh2 names the signature after the negotiated algorithm; clients want the name of the plain one.
        exchange.negotiated.serverHostKey = signature;
        // ssh2's own EXT_INFO has a comma missing in its list; we send ours as the first message.
        connection.extensions ||= exchange.remoteExtInfoEnabled;
        exchange.remoteExtInfoEnabled = false;
      }
      try {
        if (signer.privateKey === undefined) throw badParameter("the host key is not at hand");
        return signSsh(signer.privateKey, signature, exchangeHash);
      } catch (error) {
        return error instanceof Error ? error : new Error(errorMessage(error));
      }
    },
  };
}
