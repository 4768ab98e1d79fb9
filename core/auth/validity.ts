/** How far certificates reach back, for hosts whose clock is behind. */
const CLOCK_SKEW_MS = 60_000;

/** When a certificate that is issued now begins to be valid. */
export function validFrom(now: Date): Date {
  return new Date(now.getTime() - CLOCK_SKEW_MS);
}
