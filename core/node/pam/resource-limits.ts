/** Resource limits of this process (prlimit(2)). */
import koffi from "koffi";

const RESOURCES = 16;
const BYTES = 16;

/**
 * Remembers all limits of this process; the result sets them again. pam_limits limits the process that calls it, which
 * is meant for the program that it starts: under a small `as` or `data`, a JavaScript runtime would not live to close
 * the session.
 */
export function rememberLimits(): () => void {
  const prlimit = koffi.load(null).func("prlimit64", "int", ["int", "int", "void *", "void *"]) as (
    pid: number,
    resource: number,
    change: Buffer | null,
    old: Buffer | null,
  ) => number;
  const limits = Array.from({ length: RESOURCES }, (_, resource) => {
    const limit = Buffer.alloc(BYTES);
    return prlimit(0, resource, null, limit) === 0 ? limit : undefined;
  });
  return () => {
    for (const [resource, limit] of limits.entries()) {
      if (limit !== undefined) prlimit(0, resource, limit, null);
    }
  };
}
