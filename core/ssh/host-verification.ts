/** How a client checks host keys and host certificates in the key exchange, which ssh2 can do for plain keys only. */
import { accessDenied } from "../errors/error.js";
import { parseSshCertificate, type SshCertificate } from "../pki/ssh-certificate.js";
import { SshReader, SshWriter } from "../pki/ssh-wire.js";
import { publicKeyAlgorithm } from "./algorithms.js";
import type { KeyExchange } from "./ssh2-internals.js";

/** What a server presented: a certificate, or a plain key only. */
export interface PresentedHost {
  readonly certificate?: SshCertificate | undefined;
  /** Blob of the plain key, also where there is a certificate. */
  readonly publicBlob: Buffer;
}

/** The reply of every key exchange that we offer: SSH_MSG_KEXDH_REPLY and SSH_MSG_KEX_ECDH_REPLY. */
const KEX_REPLY = 31;

/**
 * Has a key exchange present the server's key to `verify`, which throws to refuse it. That the server holds the key is
 * proven after that by the signature over the exchange hash, which covers the certificate.
 */
export function verifyHostKey(exchange: KeyExchange, verify: (host: PresentedHost) => void): void {
  const parse = exchange.parse.bind(exchange);
  exchange.parse = (payload) => {
    if (payload[0] !== KEX_REPLY || exchange._step !== 1) return parse(payload);
    const reader = new SshReader(payload, 1);
    const blob = Buffer.from(reader.string());
    const rest = reader.rest();
    const algorithm = publicKeyAlgorithm(exchange.negotiated.serverHostKey);
    if (algorithm === undefined || new SshReader(blob).text() !== algorithm.format) {
      throw accessDenied(`The host key is not of the negotiated type ${exchange.negotiated.serverHostKey}`);
    }
    if (!algorithm.isCertificate) {
      verify({ publicBlob: blob });
      return parse(payload);
    }
    const certificate = parseSshCertificate(blob);
    verify({ certificate, publicBlob: certificate.publicBlob });
    exchange.negotiated.serverHostKey = algorithm.signature;
    const plainReply = new SshWriter().byte(KEX_REPLY).string(certificate.publicBlob).raw(rest).toBuffer();
    const result = parse(plainReply);
    hashCertificate(exchange, certificate);
    return result;
  };
}

/**
 * Has ssh2 hash the certificate and check the signature with the plain key inside it. ssh2 hashes `_hostKey`, then asks for
 * the own public key, then parses `_hostKey`. Were that order to change, the signature would not verify.
 */
function hashCertificate(exchange: KeyExchange, certificate: SshCertificate): void {
  exchange._hostKey = certificate.blob;
  const getPublicKey = exchange.getPublicKey.bind(exchange);
  exchange.getPublicKey = () => {
    exchange._hostKey = certificate.publicBlob;
    return getPublicKey();
  };
}
