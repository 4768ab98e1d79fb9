import { badParameter, limitExceeded, type NewItem } from "@teleport/plugin";
import { KEY_PREFIX } from "./row.js";

/** Longest key, in bytes: a sort key has 1024, of which the prefix takes some. */
export const MAX_KEY_BYTES = 1024 - KEY_PREFIX.length;
/** Longest value, in bytes: an item has 400 KB, of which names, the longest key and the other attributes take some. */
export const MAX_VALUE_BYTES = 400 * 1024 - 1400;
/** What a row takes besides key and value, at most; for the sum over a batch. */
export const ROW_BYTES = 400;

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

/** Throws `bad_parameter` for an expiry that no other backend could hold. */
export function checkExpiry(expires: Date): void {
  if (!(expires.getTime() >= Date.UTC(0, 0, 1) && expires.getUTCFullYear() <= 9999)) {
    throw badParameter("an expiry must be a valid time before the year 10000");
  }
}
