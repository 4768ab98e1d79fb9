import { corrupt, limitExceeded } from "@teleport/plugin";

/** Longest value in bytes: etcd takes requests of 1.5 MiB, and base64 makes 4 bytes of 3. */
export const MAX_VALUE_BYTES = 1024 * 1024;

/** A value as 4.2 stores it: padded standard base64. Throws `limit_exceeded`. The result shares no memory. */
export function encodeValue(key: string, value: Uint8Array): Buffer {
  if (value.length > MAX_VALUE_BYTES) {
    throw limitExceeded(`the value of ${key} is larger than ${MAX_VALUE_BYTES} bytes`);
  }
  const bytes = Buffer.from(value.buffer, value.byteOffset, value.byteLength);
  return Buffer.from(bytes.toString("base64"), "latin1");
}

/** The value that {@link encodeValue} or 4.2 has stored. Throws `corrupt`, naming the key. */
export function decodeValue(key: string, stored: Buffer): Buffer {
  return decode(stored) ?? decode(withoutLineBreaks(stored)) ?? refuse(key);
}

function decode(stored: Buffer): Buffer | undefined {
  const { length } = stored;
  // Node's decoder takes the alphabet of URLs as well and skips what it does not know.
  if (length % 4 !== 0 || stored.includes(MINUS) || stored.includes(UNDERSCORE)) return undefined;
  const first = stored.indexOf(PAD);
  const padding = first === -1 ? 0 : length - first;
  if (padding > 2 || (padding === 2 && stored[length - 1] !== PAD)) return undefined;
  const value = Buffer.from(stored.toString("latin1"), "base64");
  return value.length === (length / 4) * 3 - padding ? value : undefined;
}

/** As numbers: a search for a text costs several times as much. */
const [PAD, MINUS, UNDERSCORE] = [0x3d, 0x2d, 0x5f];

/** 4.2 reads base64 that is broken into lines. */
function withoutLineBreaks(stored: Buffer): Buffer {
  return Buffer.from(stored.toString("latin1").replace(/[\r\n]/g, ""), "latin1");
}

function refuse(key: string): never {
  throw corrupt(`the value of ${key} in etcd is not base64: write it again or delete it with etcdctl`);
}
