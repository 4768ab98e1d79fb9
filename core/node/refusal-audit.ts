/** The audit of clients who were refused: the event `auth` (T3007W). */
import { auditEvent } from "../audit/catalogue.js";
import type { AuthApi } from "../auth/client/api.js";
import { errorChain } from "../errors/error.js";
import type { Logger } from "../plugin/logger.js";

/** Who was refused, and why. */
export interface Refusal {
  /** The cluster user that the certificate names. */
  readonly user: string;
  readonly login: string;
  readonly remoteAddress: string;
  readonly localAddress: string;
  readonly reason: string;
}

/** Writes the event. Never rejects: the client is refused in any case, so a failure is only logged. */
export async function auditRefusal(
  refusal: Refusal,
  to: { readonly api: AuthApi; readonly log: Logger },
): Promise<void> {
  const event = auditEvent("authAttempt", "failure", {
    "user": refusal.user,
    "login": refusal.login,
    "addr.local": refusal.localAddress,
    "addr.remote": refusal.remoteAddress,
    "success": false,
    "error": refusal.reason,
  });
  try {
    await to.api.emitAuditEvent(event);
  } catch (error) {
    to.log.error("a refused client could not be audited", { ...refusal, error: errorChain(error) });
  }
}
