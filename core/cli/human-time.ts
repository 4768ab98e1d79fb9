/** Times as the tools print them (features.md, "Shared value grammars"); always UTC. */

const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

const two = (value: number): string => String(value).padStart(2, "0");
const month = (time: Date): string => MONTHS[time.getUTCMonth()]!;
const clock = (time: Date): string => `${two(time.getUTCHours())}:${two(time.getUTCMinutes())}`;

/** `Nov 22 10:31:19 UTC`, for status lines. */
export function statusTime(time: Date): string {
  const day = String(time.getUTCDate()).padStart(2, " ");
  return `${month(time)} ${day} ${clock(time)}:${two(time.getUTCSeconds())} UTC`;
}

/** `22 Nov 26 10:31 UTC` (RFC 822), for tokens. */
export function rfc822Time(time: Date): string {
  return `${two(time.getUTCDate())} ${month(time)} ${two(time.getUTCFullYear() % 100)} ${clock(time)} UTC`;
}

/** `2026-11-22 22:24:13 +0000 UTC`, as `tsh status` prints it. */
export function longTime(time: Date): string {
  return `${time.toISOString().slice(0, 19).replace("T", " ")} +0000 UTC`;
}
