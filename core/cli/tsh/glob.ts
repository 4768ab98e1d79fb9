/** File name patterns as the shell has them: `*`, `?` and `[…]` within one name; a backslash makes them ordinary. */
import { lstat, readdir } from "node:fs/promises";
import { join } from "node:path";
import { unlessNotFound } from "./file-status.js";

/** Whether a path holds pattern characters that are not escaped. */
export function isGlob(path: string): boolean {
  return /[*?[]/.test(path.replace(/\\[\s\S]/g, ""));
}

/** Whether a name matches a pattern. A dot at its start must be written out. */
export function matchesGlob(name: string, pattern: string): boolean {
  if (name.startsWith(".") && !pattern.startsWith(".")) return false;
  return new RegExp(`^${toRegExp(pattern)}$`, "su").test(name);
}

/** The paths on this machine that match, in order; none where nothing does. */
export async function expandGlob(pattern: string): Promise<string[]> {
  let paths = [pattern.startsWith("/") ? "/" : ""];
  for (const part of pattern.split("/").filter((name) => name !== "")) {
    const matches = await Promise.all(paths.map((path) => within(path, part)));
    paths = matches.flat();
  }
  return paths;
}

async function within(folder: string, pattern: string): Promise<string[]> {
  if (!isGlob(pattern)) {
    const path = join(folder, pattern.replace(/\\([\s\S])/g, "$1"));
    return (await unlessNotFound(lstat(path))) === undefined ? [] : [path];
  }
  // What is no folder, or cannot be read, holds no match.
  const names = await readdir(folder === "" ? "." : folder).catch(() => []);
  return names
    .filter((name) => matchesGlob(name, pattern))
    .sort()
    .map((name) => join(folder, name));
}

const TOKEN = /\\([\s\S])|(\*+)|(\?)|\[([!^]?)((?:\](?=[^[]*\]))?[^\]]*)\]|([\s\S])/gu;

function toRegExp(pattern: string): string {
  let source = "";
  for (const [, escaped, star, mark, not, set, other] of pattern.matchAll(TOKEN)) {
    if (star !== undefined) source += ".*";
    else if (mark !== undefined) source += ".";
    else if (set !== undefined) source += `[${not ? "^" : ""}${set.replace(/[\\[\]^&]/g, "\\$&")}]`;
    else source += literal(escaped ?? other ?? "");
  }
  return source;
}

const literal = (text: string): string => text.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&");
