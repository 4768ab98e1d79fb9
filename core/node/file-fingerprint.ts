import type { Stats } from "node:fs";

/** Tells a file from one that comes after it under the same name, as `stat -c "%d %i %Y"` does. */
export function fingerprint({ dev, ino, mtimeMs }: Stats): string {
  return `${dev} ${ino} ${Math.floor(mtimeMs / 1000)}`;
}
