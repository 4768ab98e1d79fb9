/** Binary fields of the API are base64 of texts: PEM, authorized_keys lines, passwords (wire.md §0.1). */

/** The text behind a base64 field. */
export function fromBase64(field: string): string {
  return Buffer.from(field, "base64").toString("utf8");
}

/** A text as a base64 field. */
export function toBase64(text: string): string {
  return Buffer.from(text, "utf8").toString("base64");
}
