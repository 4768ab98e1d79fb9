/**
 * Errors of the whole product: one class, told apart by a stable `code`.
 *
 * Compare codes, never classes: a plugin may carry its own copy of this module.
 */

/** Stable error codes. They are documented API: plugins, REST and gRPC all map from them. */
export type ErrorCode =
  | "not_found"
  | "already_exists"
  | "compare_failed"
  | "limit_exceeded"
  | "corrupt"
  | "unavailable"
  | "bad_parameter"
  | "access_denied"
  | "not_implemented"
  | "config"
  | "plugin"
  | "internal";

/** What an error carries besides its message. */
export interface ErrorDetails {
  /** The lower-level failure; logged, never shown to a remote caller. */
  cause?: unknown;
  /** Private facts for the log (ids, addresses). Must never hold secrets. */
  context?: Readonly<Record<string, unknown>>;
  /** For `unavailable`: how long a caller should wait before it tries again. */
  retryAfterMs?: number;
}

/**
 * An error with a stable code. `message` is public: one line that says what is wrong and what to do, fit for a
 * user's terminal. Private detail belongs in `context` and `cause`.
 */
export class CodedError extends Error {
  readonly code: ErrorCode;
  readonly context: Readonly<Record<string, unknown>>;
  readonly retryAfterMs: number | undefined;

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = "CodedError";
    this.code = code;
    this.context = details.context ?? {};
    this.retryAfterMs = details.retryAfterMs;
  }
}

const make =
  (code: ErrorCode) =>
  (message: string, details?: ErrorDetails): CodedError =>
    new CodedError(code, message, details);

/** The named thing does not exist. Never used for a failure whose nature is unknown. */
export const notFound = make("not_found");
/** The thing to create exists already. */
export const alreadyExists = make("already_exists");
/** A conditional write met another revision than the expected one. */
export const compareFailed = make("compare_failed");
/** A size, rate or count limit was hit. */
export const limitExceeded = make("limit_exceeded");
/** Stored data cannot be understood; nothing was changed. */
export const corrupt = make("corrupt");
/** The other side cannot be reached or is overloaded; trying again may help. */
export const unavailable = make("unavailable");
/** The caller's input is wrong. */
export const badParameter = make("bad_parameter");
/** The caller may not do this. */
export const accessDenied = make("access_denied");
/** The operation is not offered by this server. */
export const notImplemented = make("not_implemented");
/** A bug or an unforeseen failure. */
export const internal = make("internal");

/** The code of any thrown value; `internal` for what carries none. */
export function errorCode(error: unknown): ErrorCode {
  const code = (error as { code?: unknown } | null | undefined)?.code;
  return typeof code === "string" && CODES.has(code) ? (code as ErrorCode) : "internal";
}

/** Whether `error` carries exactly this code, whichever copy of the class made it. */
export function hasCode(error: unknown, code: ErrorCode): boolean {
  return errorCode(error) === code;
}

/** The message of any thrown value, without a stack. */
export function errorMessage(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** The whole chain of causes in one line, for the log. */
export function errorChain(error: unknown): string {
  const parts: string[] = [];
  for (let e: unknown = error; e !== undefined && e !== null && parts.length < 8; e = (e as Error).cause) {
    parts.push(errorMessage(e));
  }
  return parts.join(": ");
}

const CODES: ReadonlySet<string> = new Set<ErrorCode>([
  "not_found",
  "already_exists",
  "compare_failed",
  "limit_exceeded",
  "corrupt",
  "unavailable",
  "bad_parameter",
  "access_denied",
  "not_implemented",
  "config",
  "plugin",
  "internal",
]);
