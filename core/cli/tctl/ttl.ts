import { badParameter } from "../../errors/error.js";
import { parseDuration } from "../../grammar/duration.js";

/** Reads the value of a `--ttl` flag; milliseconds. Throws `bad_parameter`. */
export function parseTtl(text: string): number {
  const ttlMs = parseDuration(text);
  if (ttlMs < 1000) throw badParameter(`--ttl=${text} is too short, use at least 1s`);
  return ttlMs;
}
