/** Resource limits of this process (prlimit(2)). */
import koffi from "koffi";

/** The resources in the order of their numbers, by the names of their options of prlimit(1). */
const RESOURCES = [
  ...["cpu", "fsize", "data", "stack", "core", "rss", "nproc", "nofile", "memlock", "as", "locks"],
  ...["sigpending", "msgqueue", "nice", "rtprio", "rttime"],
];
const INFINITY = 0xffff_ffff_ffff_ffffn;
const BYTES = 16;

type Prlimit = (pid: number, resource: number, change: Buffer | null, old: Buffer | null) => number;

/**
 * The limits of this process as they were when this was made. pam_limits limits the process that calls it, and means the
 * program that it starts: under a small `as` or `data`, a JavaScript runtime would not live to close the session.
 */
export class OwnLimits {
  readonly #prlimit = koffi
    .load(null)
    .func("prlimit64", "int", [...["int", "int", "void *", "void *"]]) as Prlimit;
  readonly #own = RESOURCES.map((_, resource) => {
    const limit = Buffer.alloc(BYTES);
    return this.#prlimit(0, resource, null, limit) === 0 ? limit : undefined;
  });
  readonly #found = RESOURCES.map(() => Buffer.alloc(BYTES));

  constructor() {
    // Compiles what is to run without memory to spare.
    this.takeBack();
  }

  /** Sets the limits of then again. Returns those found instead as options of prlimit(1), for the program. */
  takeBack(): string[] {
    // First all calls, with memory that is there already, as there may be no more to get.
    for (let resource = 0; resource < RESOURCES.length; resource++) {
      const own = this.#own[resource];
      if (own !== undefined) this.#prlimit(0, resource, own, this.#found[resource] ?? null);
    }
    return RESOURCES.flatMap((name, resource) => {
      const [own, found] = [this.#own[resource], this.#found[resource]];
      if (own === undefined || found === undefined || own.equals(found)) return [];
      return [`--${name}=${text(found.readBigUInt64LE(0))}:${text(found.readBigUInt64LE(8))}`];
    });
  }
}

function text(limit: bigint): string {
  return limit === INFINITY ? "unlimited" : limit.toString();
}
