import {
  CodedError,
  errorMessage,
  internal,
  limitExceeded,
  unavailable,
  type ErrorDetails,
} from "@teleport/plugin";

/** What an attempt that failed says about the next one. */
export type FailureKind =
  /** The service asks for less load; nothing was done. */
  | "throttled"
  /** It was not carried out; trying again may help. */
  | "undone"
  /** It may have been carried out, or not; trying again may help. */
  | "unsure"
  /** Trying again does not help. */
  | "final";

/** A failed attempt, understood. */
export interface Failure {
  readonly kind: FailureKind;
  readonly error: CodedError;
}

/** What was asked of whom, for messages. */
export interface Asked {
  /** The operation's name, as IAM has it; `dynamodb:` before it may be left out. */
  readonly operation: string;
  readonly table: string;
  readonly region: string;
}

const THROTTLES: ReadonlySet<string> = new Set([
  "ProvisionedThroughputExceededException",
  "ThrottlingException",
  "ThrottledException",
  "RequestLimitExceeded",
  "LimitExceededException",
  "RequestThrottled",
  "RequestThrottledException",
  "SlowDown",
  "TooManyRequestsException",
  "ReplicatedWriteConflictException",
  "ConcurrentUpdateException",
]);
const CREDENTIALS: ReadonlySet<string> = new Set([
  "CredentialsProviderError",
  "ExpiredToken",
  "ExpiredTokenException",
  "IncompleteSignature",
  "IncompleteSignatureException",
  "InvalidClientTokenId",
  "InvalidSignatureException",
  "MissingAuthenticationToken",
  "MissingAuthenticationTokenException",
  "SignatureDoesNotMatch",
  "TokenProviderError",
  "UnrecognizedClientException",
]);
/** The SDK learns the service's time from such an answer, so that the next attempt is signed with it. */
const SKEW: ReadonlySet<string> = new Set(["RequestTimeTooSkewed", "RequestExpired", "RequestInTheFuture"]);
/** Connections that were never made. */
const NOT_CONNECTED: ReadonlySet<string> = new Set([
  "ECONNREFUSED",
  "ENOTFOUND",
  "EAI_AGAIN",
  "EHOSTUNREACH",
  "ENETUNREACH",
]);
const CONNECTION_LOST: ReadonlySet<string> = new Set(["ECONNRESET", "ECONNABORTED", "EPIPE", "ETIMEDOUT"]);

/** Understands whatever the SDK threw. Only what is known to be an absence could be `not_found`: nothing here is. */
export function understand(thrown: unknown, asked: Asked): Failure {
  if (thrown instanceof CodedError) {
    return { kind: thrown.code === "unavailable" ? "undone" : "final", error: thrown };
  }
  const { name, code, status, retryAfterMs } = facts(thrown);
  const { table, region } = asked;
  const operation = asked.operation.includes(":") ? asked.operation : `dynamodb:${asked.operation}`;
  const details: ErrorDetails = {
    cause: thrown,
    context: { operation, table, region, aws: name, status },
    ...(retryAfterMs !== undefined && { retryAfterMs }),
  };
  const failed = (kind: FailureKind, message: string, make = unavailable): Failure => ({
    kind,
    error: make(message, details),
  });

  if (THROTTLES.has(name)) {
    return failed("throttled", `DynamoDB throttles table ${table}: raise its capacity or try again`);
  }
  if (CREDENTIALS.has(name)) {
    return failed(
      "final",
      `the AWS credentials for table ${table} are missing, wrong or expired (${name}): check them and the clock`,
    );
  }
  if (SKEW.has(name)) {
    return failed(
      "undone",
      `AWS refuses a request because of its time (${name}): set the clock of this host`,
    );
  }
  if (name === "AccessDeniedException" || name === "AccessDenied") {
    return failed("final", `AWS denies ${operation} on table ${table}: allow it in the IAM policy`);
  }
  if (name === "ResourceNotFoundException") {
    return failed("final", `DynamoDB table ${table} (or its stream) does not exist in ${region}`);
  }
  if (name === "ResourceInUseException") {
    return failed("undone", `DynamoDB table ${table} is being changed: try again`);
  }
  if (name === "ItemCollectionSizeLimitExceededException") {
    return failed("final", `DynamoDB table ${table} holds no more items under one hash key`, limitExceeded);
  }
  if (
    name === "ValidationException" &&
    /size has exceeded|maximum allowed size/i.test(errorMessage(thrown))
  ) {
    return failed("final", `an item for DynamoDB table ${table} is too large`, limitExceeded);
  }
  if (NOT_CONNECTED.has(code)) {
    return failed("undone", `DynamoDB cannot be reached (${code}): check the network, region and endpoint`);
  }
  if (CONNECTION_LOST.has(code) || name === "TimeoutError") {
    return failed("unsure", `DynamoDB did not answer (${code || name}): check the network`);
  }
  if (status !== undefined && status >= 500) {
    return failed("unsure", `DynamoDB failed with status ${status} (${name}): try again`);
  }
  if (status !== undefined && status >= 400) {
    return failed(
      "final",
      `DynamoDB refused ${operation} on table ${table}: ${errorMessage(thrown)}`,
      internal,
    );
  }
  return failed("unsure", `talking to DynamoDB failed: ${errorMessage(thrown)}`);
}

interface Facts {
  readonly name: string;
  readonly code: string;
  readonly status: number | undefined;
  readonly retryAfterMs: number | undefined;
}

function facts(thrown: unknown): Facts {
  const error = (thrown ?? {}) as {
    name?: unknown;
    code?: unknown;
    $metadata?: { httpStatusCode?: number };
    $response?: { statusCode?: number; headers?: Readonly<Record<string, string>> };
  };
  const seconds = Number(error.$response?.headers?.["retry-after"]);
  return {
    name: typeof error.name === "string" ? error.name : "",
    code: typeof error.code === "string" ? error.code : "",
    status: error.$metadata?.httpStatusCode ?? error.$response?.statusCode,
    retryAfterMs: seconds > 0 ? Math.min(seconds * 1000, 60_000) : undefined,
  };
}
