import { badParameter, limitExceeded, type NewItem } from "@teleport/plugin";

/** Longest key, in bytes. */
export const MAX_KEY_BYTES = 4096;
/** Longest value, in bytes. Copying it to the writer thread must stay a matter of milliseconds. */
export const MAX_VALUE_BYTES = 8 * 1024 * 1024;

/** Throws `bad_parameter` or `limit_exceeded` for an item that this backend cannot store. */
export function checkItem(item: NewItem): void {
  checkKey(item.key);
  if (item.value.length > MAX_VALUE_BYTES) {
    throw limitExceeded(`the value of ${item.key} is larger than ${MAX_VALUE_BYTES} bytes`);
  }
  if (item.expires) {
    checkExpiry(item.expires);
  }
}

/** Throws `bad_parameter` or `limit_exceeded` for a key that this backend cannot store. */
export function checkKey(key: string): void {
  if (key === "" || /\p{Cc}|\p{Cs}/u.test(key)) {
    throw badParameter("a key must be a non-empty string of printable characters");
  }
  if (Buffer.byteLength(key) > MAX_KEY_BYTES) {
    throw limitExceeded(`the key ${key.slice(0, 64)}... is longer than ${MAX_KEY_BYTES} bytes`);
  }
}

/** Throws `bad_parameter` for an expiry that the text format of the database cannot express. */
export function checkExpiry(expires: Date): void {
  if (!(expires.getTime() >= Date.UTC(0, 0, 1) && expires.getUTCFullYear() <= 9999)) {
    throw badParameter("an expiry must be a valid time before the year 10000");
  }
}
