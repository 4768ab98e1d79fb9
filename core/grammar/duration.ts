import { badParameter } from "../errors/error.js";

const NANOSECONDS: Readonly<Record<string, number>> = {
  ns: 1,
  us: 1e3,
  µs: 1e3,
  μs: 1e3,
  ms: 1e6,
  s: 1e9,
  m: 60e9,
  h: 3600e9,
};

/** What 4.2 peers can hold: a signed 64-bit count of nanoseconds. */
const MAX_NANOSECONDS = 2 ** 63;

/**
 * Reads a duration in Go's syntax (`1h30m`, `300ms`, `0`) or `never`, which is 0. Returns milliseconds, with a
 * fraction where the text is finer than that. Throws `bad_parameter`.
 */
export function parseDuration(text: string): number {
  if (text === "never" || /^[+-]?0$/.test(text)) return 0;
  const match = /^([+-])?((?:(?:\d+(?:\.\d*)?|\.\d+)(?:ns|us|µs|μs|ms|s|m|h))+)$/.exec(text);
  if (!match) throw invalid(text);
  let nanoseconds = 0;
  for (const part of match[2]!.matchAll(/([\d.]+)(\D+)/g)) {
    nanoseconds += Number(part[1]) * NANOSECONDS[part[2]!]!;
  }
  if (nanoseconds >= MAX_NANOSECONDS)
    throw badParameter(`duration '${text}' is too long, the longest is 2562047h`);
  return (match[1] === "-" ? -nanoseconds : nanoseconds) / 1e6;
}

/** Writes milliseconds as Go does: `5m0s`, `30h0m0s`, `1.5s`, `300ms`, `0s`. */
export function formatDuration(ms: number): string {
  const sign = ms < 0 ? "-" : "";
  const nanoseconds = Math.round(Math.abs(ms) * 1e6);
  if (nanoseconds === 0) return "0s";
  if (nanoseconds < 1e3) return `${sign}${nanoseconds}ns`;
  if (nanoseconds < 1e6) return `${sign}${fraction(nanoseconds, 1e3)}µs`;
  if (nanoseconds < 1e9) return `${sign}${fraction(nanoseconds, 1e6)}ms`;
  const minutes = Math.floor(nanoseconds / 60e9);
  const seconds = `${fraction(nanoseconds - minutes * 60e9, 1e9)}s`;
  if (minutes === 0) return sign + seconds;
  if (minutes < 60) return `${sign}${minutes}m${seconds}`;
  return `${sign}${Math.floor(minutes / 60)}h${minutes % 60}m${seconds}`;
}

/** `count / unit` as an exact decimal; division of the parts keeps 1.1 from becoming 1.0999. */
function fraction(count: number, unit: number): string {
  const digits = String(count % unit)
    .padStart(String(unit).length - 1, "0")
    .replace(/0+$/, "");
  const whole = String(Math.floor(count / unit));
  return digits === "" ? whole : `${whole}.${digits}`;
}

function invalid(text: string): Error {
  return badParameter(
    `invalid duration '${text}', expected a value such as '10h', '1h30m', '300ms' or 'never'`,
  );
}
