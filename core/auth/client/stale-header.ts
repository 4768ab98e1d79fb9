/** Tells with a reply of the REST API from when its state is, while the auth server's storage is away. Ours. */
export const STALE_HEADER = "x-teleport-stale-since";

/** The moment that the header names; undefined without one, or where it cannot be read. */
export function readStaleHeader(value: string | undefined): Date | undefined {
  const ms = value === undefined ? NaN : Date.parse(value);
  return Number.isNaN(ms) ? undefined : new Date(ms);
}
