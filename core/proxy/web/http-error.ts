import { errorCode, errorMessage, type ErrorCode } from "../../errors/error.js";

/** HTTP statuses of error codes (wire.md §0.2). Clients rebuild the error's type from the status. */
const STATUS: Readonly<Record<ErrorCode, number>> = {
  not_found: 404,
  bad_parameter: 400,
  not_implemented: 501,
  compare_failed: 412,
  access_denied: 403,
  already_exists: 409,
  limit_exceeded: 429,
  unavailable: 504,
  corrupt: 500,
  config: 500,
  plugin: 500,
  internal: 500,
};

/** What a web client is told about a failure. Failures of an unknown kind keep their detail for the log. */
export function httpError(error: unknown): { status: number; message: string } {
  const status = STATUS[errorCode(error)];
  return { status, message: status === 500 ? "internal error" : errorMessage(error) };
}
