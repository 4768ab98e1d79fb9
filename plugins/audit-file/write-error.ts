import { CodedError, unavailable } from "@teleport/plugin";

const EXPLANATIONS: Readonly<Record<string, string>> = {
  ENOSPC: "no space left on the device; free some disk space",
  EDQUOT: "the disk quota is used up; free some disk space",
  EFBIG: "the file would grow beyond the file size limit",
  EROFS: "the file system is read-only",
  EACCES: "permission denied; check the owner and mode of the directory",
  EIO: "input/output error; check the disk",
};

/** Turns a failed operation on the log into `unavailable`, naming the action, the path and the way out. */
export function logError(action: string, path: string, error: unknown): CodedError {
  if (error instanceof CodedError) return error;
  const code = (error as NodeJS.ErrnoException | null)?.code ?? "";
  return unavailable(
    `cannot ${action} the audit log ${path}: ${EXPLANATIONS[code] ?? (code || "unknown failure")}`,
    {
      cause: error,
    },
  );
}
