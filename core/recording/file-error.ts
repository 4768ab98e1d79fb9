import { CodedError, unavailable } from "../errors/error.js";

const EXPLANATIONS: Readonly<Record<string, string>> = {
  ENOSPC: "no space left on the device; free some disk space",
  EDQUOT: "the disk quota is used up; free some disk space",
  EFBIG: "the file would grow beyond the file size limit",
  EROFS: "the file system is read-only",
  EACCES: "permission denied; check the owner and mode of the directory",
  ENOENT: "no such file or directory",
  EISDIR: "it is a directory",
  EIO: "input/output error; check the disk",
  EMFILE: "too many open files; raise the limit of open files",
  ENFILE: "too many open files on this machine",
};

/** Turns a failed file operation into `unavailable`, naming the action, the path and the way out. */
export function fileError(action: string, path: string, error: unknown): CodedError {
  if (error instanceof CodedError) return error;
  const code = (error as NodeJS.ErrnoException | null)?.code ?? "";
  return unavailable(`cannot ${action} ${path}: ${EXPLANATIONS[code] ?? (code || "unknown failure")}`, {
    cause: error,
  });
}
