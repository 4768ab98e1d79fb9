import { Code, ConnectError } from "@connectrpc/connect";
import { CodedError, errorCode, errorMessage, type ErrorCode } from "../../errors/error.js";

/** One row per error code that crosses the wire (wire.md §0.2). */
const TABLE: readonly (readonly [code: ErrorCode, httpStatus: number, grpc: Code])[] = [
  ["not_found", 404, Code.NotFound],
  ["bad_parameter", 400, Code.InvalidArgument],
  ["not_implemented", 501, Code.Unimplemented],
  ["compare_failed", 412, Code.FailedPrecondition],
  ["access_denied", 403, Code.PermissionDenied],
  ["already_exists", 409, Code.AlreadyExists],
  ["limit_exceeded", 429, Code.ResourceExhausted],
  ["unavailable", 504, Code.Unavailable],
];

/** What a remote caller is told about an error that has no public text. */
const PRIVATE = "internal error, see the log of the auth server";

/** The text of an error that a remote caller may see: that of a coded error, and nothing of any other. */
export function publicMessage(error: unknown): string {
  // A plain Error may carry paths, SQL or keys; only what was written for users leaves the process.
  const coded = (error as { code?: unknown } | null | undefined)?.code === errorCode(error);
  return coded ? errorMessage(error) : PRIVATE;
}

/** The HTTP status for an error; 500 for what has no row. */
export function httpStatusOf(error: unknown): number {
  const code = errorCode(error);
  return TABLE.find((row) => row[0] === code)?.[1] ?? 500;
}

/** The error that an HTTP reply of this status stands for; `internal` where the status has no row. */
export function errorFromHttp(status: number, message: string): CodedError {
  // Gateways in front of a server speak of the same conditions with their own numbers.
  const known = status === 502 || status === 503 ? 504 : status === 413 ? 400 : status;
  return new CodedError(TABLE.find((row) => row[1] === known)?.[0] ?? "internal", message);
}

/** An error as gRPC carries it. */
export function toGrpcError(error: unknown): ConnectError {
  if (error instanceof ConnectError) return error;
  const code = errorCode(error);
  return new ConnectError(publicMessage(error), TABLE.find((row) => row[0] === code)?.[2] ?? Code.Unknown);
}

/** The error that a gRPC status stands for. What the transport itself threw is `unavailable`. */
export function errorFromGrpc(error: unknown): CodedError {
  if (error instanceof CodedError) return error;
  if (!(error instanceof ConnectError)) {
    return new CodedError("unavailable", `the auth server cannot be reached: ${errorMessage(error)}`, {
      cause: error,
    });
  }
  if (error.cause instanceof CodedError) return error.cause;
  return new CodedError(fromGrpcCode(error.code), error.rawMessage, { cause: error });
}

function fromGrpcCode(code: Code): ErrorCode {
  if (code === Code.DeadlineExceeded || code === Code.Aborted || code === Code.Canceled) return "unavailable";
  if (code === Code.Unauthenticated) return "access_denied";
  return TABLE.find((row) => row[2] === code)?.[0] ?? "internal";
}
