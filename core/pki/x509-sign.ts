import { type KeyObject, sign } from "node:crypto";
import { badParameter } from "../errors/error.js";
import {
  type Der,
  decodeDer,
  DER_TYPE,
  encodeDer,
  integer,
  oid,
  primitive,
  sequence,
  tagged,
  time,
} from "./der.js";

/** The parts of a certificate that differ from one to the next; names and extensions are encoded already. */
export interface CertificateParts {
  /** Big-endian, at most 20 bytes. */
  readonly serial: Uint8Array;
  readonly issuer: Der;
  readonly subject: Der;
  /** Times are cut to whole seconds. */
  readonly notBefore: Date;
  readonly notAfter: Date;
  readonly publicKey: KeyObject;
  readonly extensions: Der[];
}

/** Builds and signs an X.509 v3 certificate (RFC 5280 §4.1) with an RSA, ECDSA or Ed25519 key; returns PEM. */
export function signCertificate(parts: CertificateParts, signer: KeyObject): string {
  const scheme = SCHEMES[signer.asymmetricKeyType ?? ""];
  if (scheme === undefined) {
    throw badParameter("certificates are signed with RSA, ECDSA or Ed25519 keys only");
  }
  const { algorithm, hash } = scheme;
  const tbs = sequence(
    tagged(0, [integer(Buffer.of(2))]),
    integer(parts.serial),
    algorithm,
    parts.issuer,
    sequence(time(parts.notBefore), time(parts.notAfter)),
    parts.subject,
    decodeDer(parts.publicKey.export({ type: "spki", format: "der" })),
    tagged(3, [sequence(...parts.extensions)]),
  );
  const signature = sign(hash, encodeDer(tbs), signer);
  const der = encodeDer(sequence(tbs, algorithm, bitString(signature)));
  const lines = der.toString("base64").match(/.{1,64}/g) ?? [];
  return `-----BEGIN CERTIFICATE-----\n${lines.join("\n")}\n-----END CERTIFICATE-----\n`;
}

/** A BIT STRING of whole bytes, or with some unused bits at its end. */
export function bitString(bytes: Uint8Array, unusedBits = 0): Der {
  return primitive(DER_TYPE.BITSTRING, Buffer.concat([Buffer.of(unusedBits), bytes]));
}

const SCHEMES: Readonly<Record<string, { algorithm: Der; hash: "sha256" | null }>> = {
  rsa: {
    algorithm: sequence(oid("1.2.840.113549.1.1.11"), primitive(DER_TYPE.NULL, Buffer.alloc(0))),
    hash: "sha256",
  },
  ec: { algorithm: sequence(oid("1.2.840.10045.4.3.2")), hash: "sha256" },
  ed25519: { algorithm: sequence(oid("1.3.101.112")), hash: null },
};
