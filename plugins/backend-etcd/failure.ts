import { CodedError, errorMessage, internal, limitExceeded, unavailable } from "@teleport/plugin";

/** What a failed call means for the caller. Those marked (no effect) surely changed nothing. */
export type FailureKind =
  /** The request did not reach etcd (no effect). */
  | "unsent"
  /** etcd is overloaded and has refused the request (no effect). */
  | "busy"
  /** The answer is missing: the request may have been carried out, or may be later. */
  | "unknown"
  /** etcd does not know our token any more (no effect). */
  | "token"
  /** User name or password is wrong (no effect). */
  | "credentials"
  /** The user may not do this (no effect). */
  | "denied"
  /** A lease that the request names does not exist (no effect). */
  | "lease_missing"
  /** The lease to be granted is there already. */
  | "lease_exists"
  /** The revision that was asked for is compacted. */
  | "compacted"
  /** The member has not got to the revision that was asked for. */
  | "future"
  /** etcd's quota is used up (no effect). */
  | "space"
  /** The request is larger than etcd takes (no effect). */
  | "too_large"
  /** The peer belongs to another etcd cluster than the others. */
  | "stranger"
  /** This storage is closed. */
  | "closed"
  /** etcd has refused the request for another reason (no effect). */
  | "refused";

/** A failed call to one peer, before it becomes an error of the storage contract. */
export class CallFailure extends Error {
  constructor(
    readonly kind: FailureKind,
    readonly peer: string,
    details: string,
    options?: ErrorOptions,
  ) {
    super(details, options);
    this.name = "CallFailure";
  }
}

/** gRPC status codes that etcd uses; https://grpc.io/docs/guides/status-codes. */
const STATUS = {
  ok: 0,
  cancelled: 1,
  unknown: 2,
  invalidArgument: 3,
  deadlineExceeded: 4,
  permissionDenied: 7,
  resourceExhausted: 8,
  failedPrecondition: 9,
  outOfRange: 11,
  unimplemented: 12,
  unauthenticated: 16,
} as const;

/** Texts of etcd's errors (api/v3rpc/rpctypes) that its status code alone does not tell apart. */
const TEXTS: readonly (readonly [RegExp, FailureKind])[] = [
  [/requested lease not found/, "lease_missing"],
  [/lease already exists/, "lease_exists"],
  [/has been compacted/, "compacted"],
  [/is a future revision/, "future"],
  [/database space exceeded|NOSPACE/i, "space"],
  [/request is too large|larger than max/, "too_large"],
  [/too many requests/, "busy"],
  [/invalid auth token|user name is empty|revision of auth store is old/, "token"],
  [/invalid user ID or password|authentication failed/, "credentials"],
  [/permission denied/, "denied"],
  [/No connection established|Name resolution failed|Channel closed before call started/, "unsent"],
];

/** Reads an error that gRPC has given. */
export function callFailure(error: unknown, peer: string): CallFailure {
  if (error instanceof CallFailure) return error;
  const { code, details } = (error ?? {}) as { code?: unknown; details?: unknown };
  const text = typeof details === "string" && details !== "" ? details : errorMessage(error);
  return new CallFailure(kindOf(code, text), peer, text, { cause: error });
}

function kindOf(code: unknown, text: string): FailureKind {
  const known = TEXTS.find(([pattern]) => pattern.test(text));
  if (known) return known[1];
  switch (code) {
    case STATUS.unauthenticated:
      return "token";
    case STATUS.permissionDenied:
      return "denied";
    case STATUS.invalidArgument:
    case STATUS.failedPrecondition:
    case STATUS.outOfRange:
    case STATUS.unimplemented:
      return "refused";
    default:
      return "unknown";
  }
}

/** Whether another attempt of a request that may be repeated can help. */
export function mayRetry(failure: CallFailure): boolean {
  return ["unsent", "busy", "unknown", "stranger"].includes(failure.kind);
}

/** The error of the storage contract for a failed call. */
export function storageError(error: unknown): CodedError {
  if (error instanceof CodedError) return error;
  if (!(error instanceof CallFailure)) {
    return internal(`the etcd backend failed: ${errorMessage(error)}`, { cause: error });
  }
  const details = { cause: error, context: { peer: error.peer } };
  switch (error.kind) {
    case "space":
      return unavailable(
        "etcd has used up its quota of space: compact and defragment it, then run etcdctl alarm disarm",
        details,
      );
    case "too_large":
      return limitExceeded("the item is larger than etcd takes (its --max-request-bytes)", details);
    case "token":
    case "credentials":
      return unavailable(
        `etcd refuses our credentials (${error.message}): check username and password_file`,
        details,
      );
    case "denied":
      return unavailable(
        "etcd denies us the keys of our prefix: grant the user's role readwrite on the prefix",
        details,
      );
    case "closed":
      return unavailable("the storage is closed", details);
    case "busy":
      return unavailable(`etcd is overloaded (${error.message}); try again`, {
        ...details,
        retryAfterMs: 1000,
      });
    case "refused":
    case "lease_missing":
    case "lease_exists":
    case "compacted":
    case "future":
      return unavailable(`etcd refused the request: ${error.message}`, details);
    case "unsent":
    case "unknown":
    case "stranger":
      return unavailable(`etcd does not answer (${error.peer}: ${causeOf(error)}); try again`, {
        ...details,
        retryAfterMs: 1000,
      });
  }
}

/** Reasons that no repetition mends: the start need not wait for its time-out. */
const LASTING: readonly FailureKind[] = ["credentials", "denied", "stranger"];

/** Causes as gRPC and OpenSSL put them, and in an administrator's words. */
const CAUSES: readonly (readonly [RegExp, string, "lasting" | "passing"])[] = [
  [/ECONNREFUSED/, "connection refused: is etcd running there?", "passing"],
  [/ENOTFOUND|EAI_AGAIN|Name resolution failed/, "its name cannot be resolved", "passing"],
  [/EHOSTUNREACH|ENETUNREACH|ETIMEDOUT/, "it cannot be reached", "passing"],
  [/altnames|ERR_TLS_CERT_ALTNAME/, "its certificate is for another name", "lasting"],
  [/certificate has expired|CERT_HAS_EXPIRED/, "its certificate has expired", "lasting"],
  [
    /self-signed|unable to verify|unable to get (local )?issuer|SELF_SIGNED|UNABLE_TO_/i,
    "its certificate is not signed by an authority of tls_ca_file",
    "lasting",
  ],
  [
    /wrong version number|packet length too long|EPROTO/i,
    "it does not speak TLS: is it an http:// peer?",
    "lasting",
  ],
  [
    /certificate required|bad certificate|unknown ca|alert number/i,
    "it refuses our client certificate: check tls_cert_file and tls_key_file",
    "lasting",
  ],
  [/invalid user ID or password|authentication failed/, "user name or password is wrong", "lasting"],
  [/UNIMPLEMENTED|Received HTTP status code/, "there is no etcd with API v3", "lasting"],
  [
    /Protocol error|Parse Error|socket hang up|ECONNRESET|Failed to connect|Connection dropped|disconnected|closed/i,
    "it closed the connection: does it want TLS or another client certificate, or is it no etcd?",
    "passing",
  ],
  [/DEADLINE|deadline|no answer/i, "no answer", "passing"],
];

/** Why a peer cannot be used, in a few words. */
export function causeOf(error: CallFailure): string {
  return CAUSES.find(([pattern]) => pattern.test(error.message))?.[1] ?? error.message;
}

/** Whether trying again later cannot help without a change of settings. */
export function isLasting(error: CallFailure): boolean {
  if (LASTING.includes(error.kind)) return true;
  return CAUSES.find(([pattern]) => pattern.test(error.message))?.[2] === "lasting";
}
