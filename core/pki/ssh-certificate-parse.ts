import { badParameter } from "../errors/error.js";
import type { SshCertificate } from "./ssh-certificate.js";
import { keyFieldCount } from "./ssh-key-encoding.js";
import { formatKeyLine, parseAuthorizedKey, publicKeyFromBlob } from "./ssh-key.js";
import { SshReader, SshWriter } from "./ssh-wire.js";

/** What the type name of every certificate ends with. */
export const CERTIFICATE_SUFFIX = "-cert-v01@openssh.com";
/** The numbers of the certificate types on the wire. */
export const CERTIFICATE_TYPES = { user: 1, host: 2 } as const;
/** `valid before` of a certificate that never expires. */
export const FOREVER_SECONDS = 0xffff_ffff_ffff_ffffn;

const MAX_DATE_SECONDS = 8_640_000_000_000n;
const MAX_CERTIFICATE_BYTES = 256 * 1024;

/**
 * Parses a certificate blob. Throws `bad_parameter` for anything that is not exactly one well-formed certificate:
 * trailing bytes, options out of order or repeated, and certificates signed by a certificate.
 */
export function parseSshCertificate(blob: Buffer): SshCertificate {
  if (blob.length > MAX_CERTIFICATE_BYTES) {
    throw badParameter(`malformed SSH certificate: longer than ${MAX_CERTIFICATE_BYTES} bytes`);
  }
  const reader = new SshReader(blob);
  const format = reader.text();
  if (!format.endsWith(CERTIFICATE_SUFFIX)) {
    throw badParameter("not an SSH certificate");
  }
  const keyType = format.slice(0, -CERTIFICATE_SUFFIX.length);
  reader.string(); // nonce
  const publicBlob = readKeyFields(keyType, reader);
  const serial = reader.uint64();
  const type = readType(reader);
  const keyId = reader.text();
  const principals = readPrincipals(reader.string());
  const validAfter = toDate(reader.uint64());
  const before = reader.uint64();
  const criticalOptions = readOptions(reader.string());
  const extensions = readOptions(reader.string());
  reader.string(); // reserved
  const authority = reader.string();
  publicKeyFromBlob(authority);
  const signature = reader.string();
  reader.end();
  return {
    blob,
    format,
    type,
    keyType,
    publicBlob,
    serial,
    keyId,
    principals,
    validAfter,
    validBefore: before === FOREVER_SECONDS ? null : toDate(before),
    criticalOptions,
    extensions,
    authority,
    ...readSignature(signature),
    signedPart: blob.subarray(0, blob.length - signature.length - 4),
  };
}

/** Parses the one-line text form, `ssh-…-cert-v01@openssh.com base64 [comment]`. Throws `bad_parameter`. */
export function parseSshCertificateLine(line: string): SshCertificate {
  return parseSshCertificate(parseAuthorizedKey(line).blob);
}

/** The one-line text form of a certificate blob, ending with a newline. */
export function sshCertificateLine(blob: Buffer, comment = ""): string {
  return formatKeyLine(blob, comment);
}

/** Orders option names as certificates require: by their bytes. */
export function compareLexically(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}

function readKeyFields(keyType: string, reader: SshReader): Buffer {
  const blob = new SshWriter().string(keyType);
  for (let field = 0; field < keyFieldCount(keyType); field++) {
    blob.string(reader.string());
  }
  const publicBlob = blob.toBuffer();
  publicKeyFromBlob(publicBlob);
  return publicBlob;
}

function readType(reader: SshReader): "user" | "host" {
  const number = reader.uint32();
  switch (number) {
    case CERTIFICATE_TYPES.user:
      return "user";
    case CERTIFICATE_TYPES.host:
      return "host";
    default:
      throw badParameter(`malformed SSH certificate: unknown type ${number}`);
  }
}

function readPrincipals(packed: Buffer): string[] {
  const reader = new SshReader(packed);
  const principals: string[] = [];
  while (!reader.done) {
    principals.push(reader.text());
  }
  return principals;
}

function readOptions(packed: Buffer): Map<string, string> {
  const reader = new SshReader(packed);
  const options = new Map<string, string>();
  let previous: string | undefined;
  while (!reader.done) {
    const name = reader.text();
    if (previous !== undefined && compareLexically(previous, name) >= 0) {
      throw badParameter("malformed SSH certificate: options are repeated or not in lexical order");
    }
    previous = name;
    options.set(name, readOptionValue(reader.string()));
  }
  return options;
}

function readOptionValue(data: Buffer): string {
  if (data.length === 0) {
    return "";
  }
  const reader = new SshReader(data);
  const value = reader.text();
  reader.end();
  return value;
}

function readSignature(field: Buffer): { signatureAlgorithm: string; signature: Buffer } {
  const reader = new SshReader(field);
  const signatureAlgorithm = reader.text();
  const signature = reader.string();
  reader.end();
  return { signatureAlgorithm, signature };
}

/** Times beyond what a Date can hold are cut to its last moment: they are some 270,000 years away either way. */
function toDate(seconds: bigint): Date {
  return new Date(Number(seconds > MAX_DATE_SECONDS ? MAX_DATE_SECONDS : seconds) * 1000);
}
