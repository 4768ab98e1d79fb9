import { randomBytes, type KeyObject } from "node:crypto";
import { badParameter } from "../errors/error.js";
import {
  CERTIFICATE_SUFFIX,
  CERTIFICATE_TYPES,
  compareLexically,
  FOREVER_SECONDS,
  sshCertificateLine,
} from "./ssh-certificate-parse.js";
import { publicKeyFromBlob, signatureAlgorithmsFor, signSsh, sshPublicBlob } from "./ssh-key.js";
import { SshReader, SshWriter } from "./ssh-wire.js";

/** What a new SSH certificate is to say. */
export interface SshCertificateTemplate {
  readonly type: "user" | "host";
  /** Plain blob of the key to certify. */
  readonly publicBlob: Buffer;
  /** The user name in a user certificate, empty in a host certificate (wire.md §1.3, §1.4). */
  readonly keyId: string;
  /** At least one: a certificate without principals would be good for every one of them. */
  readonly principals: readonly string[];
  /** Times are cut to whole seconds. */
  readonly validAfter: Date;
  /** null = forever. */
  readonly validBefore: Date | null;
  /** Written in lexical order, whatever the order here. */
  readonly extensions: Readonly<Record<string, string>>;
  readonly criticalOptions?: Readonly<Record<string, string>>;
}

/**
 * Issues a certificate and returns its line. An RSA authority signs with rsa-sha2-512, which 4.2 peers accept too.
 * Throws `bad_parameter` for a template that no server would, or should, accept.
 */
export function issueSshCertificate(template: SshCertificateTemplate, authorityKey: KeyObject): string {
  checkTemplate(template);
  const key = new SshReader(template.publicBlob);
  const keyType = key.text();
  const authority = sshPublicBlob(authorityKey);
  const [algorithm = ""] = signatureAlgorithmsFor(new SshReader(authority).text());
  const body = new SshWriter()
    .string(keyType + CERTIFICATE_SUFFIX)
    .string(randomBytes(32))
    .raw(key.rest())
    .uint64(0n)
    .uint32(CERTIFICATE_TYPES[template.type])
    .string(template.keyId)
    .string(packStrings(template.principals))
    .uint64(toSeconds(template.validAfter))
    .uint64(template.validBefore === null ? FOREVER_SECONDS : toSeconds(template.validBefore))
    .string(packOptions(template.criticalOptions ?? {}))
    .string(packOptions(template.extensions))
    .string("")
    .string(authority)
    .toBuffer();
  const signature = new SshWriter()
    .string(algorithm)
    .string(signSsh(authorityKey, algorithm, body))
    .toBuffer();
  return sshCertificateLine(new SshWriter().raw(body).string(signature).toBuffer());
}

function checkTemplate(template: SshCertificateTemplate): void {
  publicKeyFromBlob(template.publicBlob);
  if (template.principals.length === 0 || template.principals.includes("")) {
    throw badParameter("an SSH certificate needs at least one principal, and none may be empty");
  }
  if (template.type === "user" && template.keyId === "") {
    throw badParameter("an SSH user certificate needs the user's name as its key id");
  }
  const end = template.validBefore === null ? Infinity : template.validBefore.getTime();
  if (!(template.validAfter.getTime() >= 0 && template.validAfter.getTime() < end)) {
    throw badParameter("an SSH certificate must end after it starts");
  }
}

function packStrings(values: readonly string[]): Buffer {
  return values.reduce((writer, value) => writer.string(value), new SshWriter()).toBuffer();
}

function packOptions(options: Readonly<Record<string, string>>): Buffer {
  const writer = new SshWriter();
  for (const [name, value] of Object.entries(options).sort(([a], [b]) => compareLexically(a, b))) {
    writer.string(name).string(value === "" ? "" : new SshWriter().string(value).toBuffer());
  }
  return writer.toBuffer();
}

function toSeconds(time: Date): bigint {
  return BigInt(Math.floor(time.getTime() / 1000));
}
