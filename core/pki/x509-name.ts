import { isUtf8 } from "node:buffer";
import { badParameter } from "../errors/error.js";
import { children, content, type Der, DER_TYPE, dottedOid, oid, primitive, sequence, setOf } from "./der.js";

/** The attribute types of the names that Teleport writes (wire.md §1.5), by OID. */
export const ATTRIBUTE = {
  commonName: "2.5.4.3",
  serialNumber: "2.5.4.5",
  locality: "2.5.4.7",
  province: "2.5.4.8",
  street: "2.5.4.9",
  organization: "2.5.4.10",
  organizationalUnit: "2.5.4.11",
  postalCode: "2.5.4.17",
  kubernetesUsers: "1.3.9999.1.1",
  kubernetesGroups: "1.3.9999.1.2",
} as const;

/** A distinguished name: each attribute type with its values, in order. */
export type DistinguishedName = ReadonlyMap<string, readonly string[]>;

/** Encodes a name as Go does: one multi-valued RDN per attribute type, PrintableString where possible. */
export function encodeName(name: Iterable<readonly [string, readonly string[]]>): Der {
  const rdns: Der[] = [];
  for (const [type, values] of name) {
    if (values.length > 0) {
      rdns.push(setOf(...values.map((value) => sequence(oid(type), encodeString(value)))));
    }
  }
  return sequence(...rdns);
}

/** Reads a name with multi-valued and with separate RDNs alike. Throws `bad_parameter` for unreadable strings. */
export function decodeName(element: Der | undefined): DistinguishedName {
  const name = new Map<string, string[]>();
  for (const attribute of children(element).flatMap(children)) {
    const [type, value] = children(attribute);
    const dotted = dottedOid(type);
    name.set(dotted, [...(name.get(dotted) ?? []), decodeString(value)]);
  }
  return name;
}

function encodeString(text: string): Der {
  const printable = /^[A-Za-z0-9 '()+,\-./:=?]*$/.test(text);
  return primitive(printable ? DER_TYPE.PRINTABLESTRING : DER_TYPE.UTF8, Buffer.from(text, "utf8"));
}

function decodeString(element: Der | undefined): string {
  const bytes = content(element);
  const known = [DER_TYPE.UTF8, DER_TYPE.PRINTABLESTRING, DER_TYPE.IA5STRING];
  if (element === undefined || !known.includes(element.type) || !isUtf8(bytes)) {
    throw badParameter("the certificate's subject holds a string of an unsupported type");
  }
  return bytes.toString("utf8");
}
