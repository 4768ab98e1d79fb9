import { optionalTime } from "../resources/rfc3339.js";
import type { User } from "../resources/user.js";

/** When a user ends to exist; undefined for one who does not. Both of 4.2's fields count. */
export function userExpiry({ metadata, spec }: User): Date | undefined {
  const ends = [optionalTime(metadata.expires), optionalTime(spec.expires)].filter(
    (end) => end !== undefined,
  );
  return ends.length === 0 ? undefined : new Date(Math.min(...ends.map((end) => end.getTime())));
}
