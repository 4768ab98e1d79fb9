import { createPrivateKey, X509Certificate, type KeyObject } from "node:crypto";
import { rootCertificates } from "node:tls";
import { CodedError, type KeyPair } from "@teleport/plugin";

/** The names that messages use for the two files. */
export interface PairNames {
  readonly key: string;
  readonly cert: string;
}

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g;

/**
 * Checks that key and chain belong together, that the chain is in order (leaf first) and valid at this time. Returns
 * what clients may take offence at, for the log. Throws `config` with one line that says what is wrong with which file.
 */
export function verifyPair(pair: KeyPair, names: PairNames, now: Date): string[] {
  const chain = parseChain(pair.chainPem, names.cert);
  const [leaf] = chain;
  if (leaf === undefined) throw unusable(`${names.cert} holds no PEM certificate`);
  if (!leaf.checkPrivateKey(parseKey(pair.keyPem, names.key))) {
    throw unusable(`the key in ${names.key} does not belong to the first certificate in ${names.cert}`);
  }
  for (const [i, certificate] of chain.entries()) {
    checkValidity(certificate, i, names.cert, now);
    const issuer = chain[i + 1];
    if (issuer !== undefined && !isIssuedBy(certificate, issuer)) {
      throw unusable(
        `${names.cert}: certificate ${i + 1} is not signed by certificate ${i + 2}; put the chain in order`,
      );
    }
  }
  return warningsFor(leaf, chain, names.cert);
}

function parseChain(pem: string, name: string): X509Certificate[] {
  return (pem.match(CERTIFICATE) ?? []).map((block, i) => {
    try {
      return new X509Certificate(block);
    } catch (error) {
      throw unusable(`certificate ${i + 1} in ${name} cannot be read`, error);
    }
  });
}

function parseKey(pem: string, name: string): KeyObject {
  if (/ENCRYPTED/.test(pem)) throw unusable(`the key in ${name} is encrypted; store it without a passphrase`);
  try {
    return createPrivateKey(pem);
  } catch {
    // No cause: the text of a parse error must not carry key material into the log.
    throw unusable(`${name} holds no readable PEM private key`);
  }
}

function checkValidity(certificate: X509Certificate, i: number, name: string, now: Date): void {
  const from = new Date(certificate.validFrom);
  const to = new Date(certificate.validTo);
  if (now < from) throw unusable(`certificate ${i + 1} in ${name} is not valid before ${from.toISOString()}`);
  if (now > to) throw unusable(`certificate ${i + 1} in ${name} expired at ${to.toISOString()}; replace it`);
}

function isIssuedBy(certificate: X509Certificate, issuer: X509Certificate): boolean {
  return certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey);
}

function warningsFor(leaf: X509Certificate, chain: readonly X509Certificate[], name: string): string[] {
  if (isIssuedBy(leaf, leaf))
    return [`the certificate in ${name} is self-signed: clients must be told to trust it`];
  const last = chain.at(-1) ?? leaf;
  const isAnchored = rootCertificates.some((pem) => {
    const root = new X509Certificate(pem);
    return last.fingerprint256 === root.fingerprint256 || isIssuedBy(last, root);
  });
  return isAnchored
    ? []
    : [`the chain in ${name} ends at no public root: clients must be told to trust its authority`];
}

const unusable = (message: string, cause?: unknown): CodedError =>
  new CodedError("config", message, { cause });
