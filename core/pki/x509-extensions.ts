import { createHash, type KeyObject, type X509Certificate } from "node:crypto";
import { isIP } from "node:net";
import { badParameter } from "../errors/error.js";
import {
  children,
  content,
  type Der,
  decodeDer,
  DER_TYPE,
  dottedOid,
  encodeDer,
  oid,
  primitive,
  sequence,
  tagged,
} from "./der.js";
import { bitString } from "./x509-sign.js";

const SUBJECT_KEY_ID = "2.5.29.14";

/** The extensions of a certificate authority (wire.md §1.2). */
export function authorityExtensions(publicKey: KeyObject): Der[] {
  return [
    // digitalSignature, keyEncipherment, keyCertSign
    extension("2.5.29.15", bitString(Buffer.of(0b1010_0100), 2), true),
    extension("2.5.29.19", sequence(primitive(DER_TYPE.BOOLEAN, Buffer.of(0xff))), true),
    extension(SUBJECT_KEY_ID, primitive(DER_TYPE.OCTETSTRING, subjectKeyId(publicKey))),
  ];
}

/** The extensions of a user's or host's certificate (wire.md §1.5). Names that are IP addresses become IP SANs. */
export function leafExtensions(authority: X509Certificate, names: readonly string[]): Der[] {
  const issuerKeyId = subjectKeyIdOf(authority);
  return [
    // digitalSignature, keyEncipherment
    extension("2.5.29.15", bitString(Buffer.of(0b1010_0000), 5), true),
    // serverAuth, clientAuth
    extension("2.5.29.37", sequence(oid("1.3.6.1.5.5.7.3.1"), oid("1.3.6.1.5.5.7.3.2"))),
    extension("2.5.29.19", sequence(), true),
    ...(issuerKeyId === undefined ? [] : [extension("2.5.29.35", sequence(tagged(0, issuerKeyId)))]),
    ...(names.length === 0
      ? []
      : [extension("2.5.29.17", sequence(...[...new Set(names)].map(generalName)))]),
  ];
}

function extension(type: string, value: Der, critical = false): Der {
  const flag = critical ? [primitive(DER_TYPE.BOOLEAN, Buffer.of(0xff))] : [];
  return sequence(oid(type), ...flag, primitive(DER_TYPE.OCTETSTRING, encodeDer(value)));
}

/** RFC 5280 §4.2.1.2, method 1: SHA-1 over the key's bits. It is a name, not a protection. */
function subjectKeyId(publicKey: KeyObject): Buffer {
  const spki = decodeDer(publicKey.export({ type: "spki", format: "der" }));
  const keyBits = content(children(spki)[1]).subarray(1);
  return createHash("sha1").update(keyBits).digest();
}

function subjectKeyIdOf(certificate: X509Certificate): Buffer | undefined {
  const [tbs] = children(decodeDer(certificate.raw));
  const extensions = children(children(children(tbs).at(-1))[0]);
  const found = extensions.find((entry) => dottedOid(children(entry)[0]) === SUBJECT_KEY_ID);
  return found && content(decodeDer(content(children(found).at(-1))));
}

function generalName(name: string): Der {
  if (isIP(name) !== 0) {
    return tagged(7, addressBytes(name));
  }
  if (!/^[\x21-\x7e]{1,253}$/.test(name)) {
    throw badParameter(`${JSON.stringify(name.slice(0, 64))} is neither a DNS name nor an IP address`);
  }
  return tagged(2, Buffer.from(name, "latin1"));
}

function addressBytes(address: string): Buffer {
  if (isIP(address) === 4) {
    return Buffer.from(address.split(".").map(Number));
  }
  const text = new URL(`http://[${address.split("%")[0] ?? ""}]`).hostname.slice(1, -1);
  const [head = "", tail] = text.split("::");
  const groups = (part: string | undefined): string[] => (part ? part.split(":") : []);
  const missing = 8 - groups(head).length - groups(tail).length;
  const all = [...groups(head), ...Array<string>(missing).fill("0"), ...groups(tail)];
  return Buffer.from(all.map((group) => group.padStart(4, "0")).join(""), "hex");
}
