const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** Whether a text is a UUID (RFC 9562 §4) in the lower case that it is written in: one id, one text. */
export function isUuid(text: string): boolean {
  return UUID.test(text);
}

/** Like {@link isUuid} for what others typed or sent: readers of a UUID take either letter case. */
export function isUuidInAnyCase(text: string): boolean {
  return UUID.test(text.toLowerCase());
}
