import { statfsSync } from "node:fs";
import { dirname } from "node:path";
import { CodedError, corrupt, errorCode, errorMessage, internal, unavailable } from "@teleport/plugin";
import type { WriteFailure } from "./write-request.js";

/** Failures of what makes a file larger. */
const GROWING: ReadonlySet<string> = new Set([
  "SQLITE_IOERR_SHMSIZE",
  "SQLITE_IOERR_SHMMAP",
  "SQLITE_IOERR_WRITE",
]);
/** What SQLite needs to open a database in WAL mode: one region of its index. */
const SHARED_MEMORY_BYTES = 32 * 1024;

/** Turns whatever SQLite or the file system threw into a storage error; one that has a code stays as it is. */
export function storageFailure(
  error: unknown,
  file: string,
  freeBytesBeside: (file: string) => number = freeBytes,
): CodedError {
  if (error instanceof CodedError) {
    return error;
  }
  const code = (error as { code?: unknown } | null)?.code;
  const details = { cause: error, context: { file, sqlite: code } };
  if (typeof code !== "string") {
    return internal(`the storage in ${file} failed: ${errorMessage(error)}`, details);
  }
  const family = code.split("_").slice(0, 2).join("_");
  switch (family) {
    case "SQLITE_BUSY":
    case "SQLITE_LOCKED":
      return unavailable(`${file} is locked by another process; try again`, {
        ...details,
        retryAfterMs: 100,
      });
    case "SQLITE_FULL":
      return unavailable(diskFull(file), details);
    case "SQLITE_IOERR":
      // Only a failed write to the database is SQLITE_FULL; where its shared memory file cannot grow it is this.
      if (GROWING.has(code) && freeBytesBeside(file) < SHARED_MEMORY_BYTES) {
        return unavailable(diskFull(file), details);
      }
      return unavailable(`reading or writing ${file} failed (${code}); check the disk`, details);
    case "SQLITE_READONLY":
    case "SQLITE_CANTOPEN":
    case "SQLITE_PERM":
    case "SQLITE_AUTH":
      return unavailable(`${file} cannot be opened for writing; check its owner and permissions`, details);
    case "SQLITE_NOMEM":
      return unavailable(`there is not enough memory to use ${file}`, details);
    case "SQLITE_NOTADB":
    case "SQLITE_CORRUPT":
      return corrupt(`${file} is damaged or is no SQLite database; restore it from a backup`, details);
    default:
      return internal(`the storage in ${file} failed: ${errorMessage(error)}`, details);
  }
}

function diskFull(file: string): string {
  return `the disk that holds ${file} is full; free some space`;
}

/** Without an answer the disk counts as not full: the error then speaks for itself. */
function freeBytes(file: string): number {
  try {
    const { bavail, bsize } = statfsSync(dirname(file));
    return bavail * bsize;
  } catch {
    return Number.POSITIVE_INFINITY;
  }
}

/** Packs an error for the way between threads. */
export function packFailure(error: CodedError): WriteFailure {
  return {
    code: errorCode(error),
    message: error.message,
    context: { ...error.context, cause: errorMessage(error.cause) },
  };
}

/** Unpacks what {@link packFailure} made. */
export function unpackFailure({ code, message, context }: WriteFailure): CodedError {
  return new CodedError(code, message, context ? { context } : {});
}
