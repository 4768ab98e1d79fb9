/** The standard streams of this process. */
import { closeSync, openSync } from "node:fs";
import koffi from "koffi";

/**
 * Puts /dev/null in place of the standard streams, so that the program alone holds what it was given: its pipes end when
 * it closes them. By dup2(2), since descriptors that Node opens are closed in the children that modules start.
 */
export function dropStandardStreams(): void {
  const dup2 = koffi.load(null).func("dup2", "int", ["int", "int"]) as (from: number, to: number) => number;
  const nothing = openSync("/dev/null", "r+");
  for (const stream of [0, 1, 2]) dup2(nothing, stream);
  closeSync(nothing);
}
