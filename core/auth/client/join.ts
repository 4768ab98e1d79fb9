/** How a host joins a cluster: it trades a token for certificates (wire.md §6.1 to §6.3). */
import { CodedError, errorCode, errorMessage, hasCode, unavailable } from "../../errors/error.js";
import { caPin, checkCaPin } from "../../pki/ca-pin.js";
import { generateRsaKeyPair } from "../../pki/keys.js";
import type { Clock } from "../../plugin/clock.js";
import type { Logger } from "../../plugin/logger.js";
import type { PackedKeys, RegisterRequest } from "./api.js";
import { AuthServers } from "./auth-servers.js";
import { acceptHostKeys, registerRequest, type HostDescription } from "./host-registration.js";
import { createHttpClient } from "./http-client.js";
import type { HostIdentity } from "./identity.js";
import { createRestApi, type RestApi } from "./rest-api.js";
import { jitteredDelay } from "./retry.js";
import { createSecureDialer } from "./secure-dialer.js";
import { authorityOfProxy, registerThroughProxy } from "./web-registration.js";

const TIMEOUT_MS = 15_000;
/** Shorter, so that one server that is stopped does not keep a host from the next for long. */
const CONNECT_TIMEOUT_MS = 5_000;
const BACKOFF = { baseMs: 2_000, maxMs: 60_000 };
/** A refused token is tried again seldom enough not to look like an attack, and soon enough after it is mended. */
const LEAST_WAIT_MS = 500;

/** What joining takes. */
export interface JoinOptions extends HostDescription {
  /** Auth servers, or web addresses of proxies. */
  readonly addresses: readonly string[];
  readonly token: string;
  /** Pins of the cluster's host authority (`sha256:…`), of which one must match; none admits any cluster. */
  readonly caPins: readonly string[];
  /** Do not verify a proxy's web certificate: for `--insecure` only. */
  readonly insecure?: boolean | undefined;
  readonly log: Logger;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/**
 * Joins, and keeps trying with back-off while no server answers or the token is refused: it may be on its way. Throws
 * `access_denied` at once where the cluster's pin is none of `caPins`, before the token was sent, and the signal's reason
 * when aborted. A proxy is asked for the cluster's authority first; with `caPins`, one that does not tell gets no token.
 */
export async function joinCluster(options: JoinOptions): Promise<HostIdentity> {
  const { log, clock, signal } = options;
  const key = await generateRsaKeyPair();
  const registration = registerRequest(options, options.token, key);
  for (let attempt = 0; ; attempt++) {
    signal.throwIfAborted();
    try {
      return acceptHostKeys(options, await registerAnywhere(options, registration), key, clock.now());
    } catch (error) {
      if (error instanceof PinMismatch) throw error;
      signal.throwIfAborted();
      const waitMs = LEAST_WAIT_MS + jitteredDelay(attempt, BACKOFF);
      const message = errorMessage(error);
      const hint = /\btoken\b/.test(message) ? tokenHint(options.role) : "";
      log.error(`cannot join the cluster: ${message}${hint}`, {
        code: errorCode(error),
        retrySeconds: Math.round(waitMs / 1000),
      });
      await clock.sleep(waitMs, signal);
    }
  }
}

class PinMismatch extends CodedError {}

function tokenHint(role: string): string {
  return `; make a token with: tctl tokens add --type=${role.toLowerCase()}`;
}

/** Tries the addresses in turn. A server that answers with a refusal ends the round: others would answer the same. */
async function registerAnywhere(options: JoinOptions, registration: RegisterRequest): Promise<PackedKeys> {
  let last: Error | undefined;
  for (const address of options.addresses) {
    try {
      return await registerAt(address, options, registration);
    } catch (error) {
      if (!hasCode(error, "unavailable")) throw error;
      last = error as Error;
    }
  }
  throw (
    last ?? new CodedError("bad_parameter", "no auth server is configured: set auth_servers in teleport.yaml")
  );
}

async function registerAt(
  address: string,
  options: JoinOptions,
  registration: RegisterRequest,
): Promise<PackedKeys> {
  let authority: string;
  try {
    authority = await anonymously(address, "unverified", options, (api) => api.getClusterCaCert());
  } catch (error) {
    // A proxy's web port does not know the request; that of an auth server always does.
    if (!hasCode(error, "not_implemented")) throw error;
    return joinThroughProxy(address, options, registration);
  }
  checkPins(options, authority);
  return anonymously(address, [authority], options, (api) => api.registerUsingToken(registration));
}

async function joinThroughProxy(
  address: string,
  options: JoinOptions,
  registration: RegisterRequest,
): Promise<PackedKeys> {
  const { insecure = false, signal } = options;
  const call = { insecure, timeoutMs: TIMEOUT_MS, signal };
  const announced = await authorityOfProxy(address, call);
  if (announced !== undefined) {
    checkPins(options, announced);
  } else if (options.caPins.length > 0) {
    throw unavailable(
      `the proxy ${address} does not tell the cluster's authority, so the token was not sent: name an auth server in auth_servers, or take out ca_pin`,
    );
  }
  const keys = await registerThroughProxy(address, registration, call);
  const [authority = ""] = keys.tls_ca_certs;
  const check = announced === undefined ? checkPins : requirePinned;
  check(options, Buffer.from(authority, "base64").toString("utf8"));
  return keys;
}

function checkPins(options: JoinOptions, authority: string): void {
  if (options.caPins.length === 0) {
    options.log.warn(
      "joining without a CA pin: whoever answers at this address is believed. " +
        `To be sure of the cluster, compare with tctl status and set ca_pin: ${caPin(authority)}`,
    );
  }
  requirePinned(options, authority);
}

/** Several pins are those of a cluster's authority before and after its rotation. */
function requirePinned({ caPins }: JoinOptions, authority: string): void {
  if (caPins.length === 0) return;
  const refusals: unknown[] = [];
  for (const pin of caPins) {
    try {
      checkCaPin(pin, authority);
      return;
    } catch (error) {
      refusals.push(error);
    }
  }
  const [first] = refusals;
  throw new PinMismatch(errorCode(first), errorMessage(first));
}

/** One REST call without a certificate. */
async function anonymously<T>(
  address: string,
  trust: readonly string[] | "unverified",
  { clock, signal }: JoinOptions,
  call: (api: RestApi) => Promise<T>,
): Promise<T> {
  const servers = new AuthServers([address]);
  const dialer = createSecureDialer({ servers, trust, clock, timeoutMs: CONNECT_TIMEOUT_MS });
  const http = createHttpClient({ dialer, servers, clock, timeoutMs: TIMEOUT_MS, retry: false });
  const close = (): void => http.close();
  signal.addEventListener("abort", close, { once: true });
  try {
    return await call(createRestApi(http));
  } finally {
    signal.removeEventListener("abort", close);
    close();
  }
}
