/**
 * Leases whose number says when their items expire, so that no reader has to ask etcd for it:
 *
 *     bit 62 ........ 45 | 44 ............ 12 | 11 ... 0
 *     marker, 18 bits    | unix seconds, 33   | random, 12
 *
 * etcd lets clients choose lease numbers. Those it makes itself begin with 16 bits of a member's number and go on with a
 * time of day, so that one which passes for ours is out of the question in practice.
 */
const MARKER = 0x2b5c5n;
const SECONDS_BITS = 33n;
const RANDOM_BITS = 12n;
const LAST_SECOND = 2 ** Number(SECONDS_BITS) - 1;

/** The second in which an item with this expiry is gone; never before the expiry. */
export function expirySecond(expires: Date): number {
  return Math.min(Math.ceil(expires.getTime() / 1000), LAST_SECOND);
}

/** A lease number for items that expire at that unix second. `random` is from 0 up to 1. */
export function leaseNumber(second: number, random: number): string {
  const noise = BigInt(Math.floor(random * Number(1n << RANDOM_BITS)));
  return ((((MARKER << SECONDS_BITS) | BigInt(second)) << RANDOM_BITS) | noise).toString();
}

/** The unix second in a lease number of ours; undefined for other leases. */
export function secondOfLease(lease: string): number | undefined {
  const number = BigInt(lease);
  if (number >> (SECONDS_BITS + RANDOM_BITS) !== MARKER) return undefined;
  return Number((number >> RANDOM_BITS) & ((1n << SECONDS_BITS) - 1n));
}
