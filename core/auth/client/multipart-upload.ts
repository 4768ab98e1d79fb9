import { randomBytes } from "node:crypto";

/** A body of multipart/form-data (RFC 7578): text fields, then one file that is streamed. */
export function multipartUpload(
  fields: Readonly<Record<string, string>>,
  fileField: string,
  file: AsyncIterable<Uint8Array>,
): { contentType: string; stream: AsyncIterable<Uint8Array> } {
  const boundary = randomBytes(30).toString("hex");
  const head = Object.entries(fields)
    .map(
      ([name, value]) =>
        `--${boundary}\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`,
    )
    .join("");
  const fileHead =
    `--${boundary}\r\nContent-Disposition: form-data; name="${fileField}"; filename="${fileField}"\r\n` +
    "Content-Type: application/octet-stream\r\n\r\n";
  async function* stream(): AsyncIterable<Uint8Array> {
    yield Buffer.from(head + fileHead);
    yield* file;
    yield Buffer.from(`\r\n--${boundary}--\r\n`);
  }
  return { contentType: `multipart/form-data; boundary=${boundary}`, stream: stream() };
}
