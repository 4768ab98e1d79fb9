import forge from "node-forge";

const { asn1 } = forge;
const { Class, Type } = asn1;

/** A DER element. node-forge keeps bytes in strings of char codes 0 to 255; they never leave this room. */
export type Der = forge.asn1.Asn1;

/** The type numbers that X.509 uses. */
export const DER_TYPE = Type;

/** A SEQUENCE. */
export const sequence = (...items: Der[]): Der => asn1.create(Class.UNIVERSAL, Type.SEQUENCE, true, items);

/** A SET OF: its elements are sorted by their encoding, as DER demands. */
export function setOf(...items: Der[]): Der {
  const sorted = items.map((item) => ({ item, der: encodeDer(item) })).sort((a, b) => a.der.compare(b.der));
  return asn1.create(
    Class.UNIVERSAL,
    Type.SET,
    true,
    sorted.map(({ item }) => item),
  );
}

/** An element of a universal, primitive type with the given content. */
export function primitive(type: forge.asn1.Type, content: Uint8Array): Der {
  return asn1.create(Class.UNIVERSAL, type, false, toBinary(content));
}

/** A context-specific element: constructed around elements, or primitive around bytes (implicit tagging). */
export function tagged(tag: number, content: Der[] | Uint8Array): Der {
  const value = Array.isArray(content) ? content : toBinary(content);
  return asn1.create(Class.CONTEXT_SPECIFIC, tag, Array.isArray(content), value);
}

/** An OBJECT IDENTIFIER from its dotted form. */
export const oid = (dotted: string): Der =>
  asn1.create(Class.UNIVERSAL, Type.OID, false, asn1.oidToDer(dotted).getBytes());

/** A non-negative INTEGER from its big-endian magnitude. */
export function integer(magnitude: Uint8Array): Der {
  const hex = BigInt(`0x${Buffer.from(magnitude).toString("hex")}`).toString(16);
  const digits = Buffer.from(hex.length % 2 === 0 ? hex : `0${hex}`, "hex");
  const first = digits[0] ?? 0;
  return primitive(Type.INTEGER, first & 0x80 ? Buffer.concat([Buffer.of(0), digits]) : digits);
}

/** A time as RFC 5280 §4.1.2.5 wants it: UTCTime until 2049, GeneralizedTime from 2050. */
export function time(date: Date): Der {
  const isLate = date.getUTCFullYear() >= 2050;
  const text = `${date
    .toISOString()
    .replaceAll(/[-:T]/g, "")
    .slice(isLate ? 0 : 2, 14)}Z`;
  return primitive(isLate ? Type.GENERALIZEDTIME : Type.UTCTIME, Buffer.from(text, "latin1"));
}

/** The DER encoding of an element. */
export const encodeDer = (element: Der): Buffer => Buffer.from(asn1.toDer(element).getBytes(), "latin1");

/** What node-forge accepts and its published types lack. */
interface Decoder {
  fromDer(bytes: string, options: { decodeBitStrings: boolean }): Der;
}

/** Decodes one element. Throws for anything malformed. */
export function decodeDer(bytes: Uint8Array): Der {
  // By default node-forge would take bit strings that happen to look like DER apart as well.
  return (asn1 as unknown as Decoder).fromDer(toBinary(bytes), { decodeBitStrings: false });
}

/** The elements inside a constructed element; none for a primitive one. */
export const children = (element: Der | undefined): Der[] =>
  Array.isArray(element?.value) ? element.value : [];

/** The content bytes of a primitive element; none for a constructed one. */
export const content = (element: Der | undefined): Buffer =>
  Buffer.from(typeof element?.value === "string" ? element.value : "", "latin1");

/** The dotted form of an OBJECT IDENTIFIER. */
export const dottedOid = (element: Der | undefined): string =>
  asn1.derToOid(forge.util.createBuffer(content(element).toString("latin1")));

function toBinary(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("latin1");
}
