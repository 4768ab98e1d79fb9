import { readFile } from "node:fs/promises";

let cached: Promise<number | undefined> | undefined;

/** The id of the group `tty`, which may write to users' terminals (write(1)); undefined where there is none. */
export function ttyGroup(): Promise<number | undefined> {
  cached ??= readFile("/etc/group", "utf8").then(
    (text) => {
      const id = /^tty:[^:]*:(\d+):/m.exec(text)?.[1];
      return id === undefined ? undefined : Number(id);
    },
    () => undefined,
  );
  return cached;
}
