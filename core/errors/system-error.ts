import { getSystemErrorMap } from "node:util";

/** What the system's own words leave unclear. */
const WORDS: Readonly<Record<string, string>> = {
  ENOTFOUND: "there is no host of this name",
  EAI_AGAIN: "the name of the host cannot be looked up just now",
  EISDIR: "it is a directory",
  ENOTDIR: "a part of the path is no directory",
};

/**
 * A failed call of the operating system in words, such as `no such file or directory`, without the code and the path
 * that Node puts around them. Undefined for any other error.
 */
export function systemErrorText(error: unknown): string | undefined {
  const { errno, code, syscall } = (error ?? {}) as NodeJS.ErrnoException;
  if (typeof errno !== "number" || typeof code !== "string" || typeof syscall !== "string") return undefined;
  return WORDS[code] ?? getSystemErrorMap().get(errno)?.[1];
}

/** The same with the path that the call was about, where it was about one. */
export function systemErrorLine(error: unknown): string | undefined {
  const text = systemErrorText(error);
  const { path } = (error ?? {}) as NodeJS.ErrnoException;
  return text === undefined || typeof path !== "string" ? text : `${path}: ${text}`;
}
