import { trustedHostAuthorities } from "../../auth/client/ssh-authorities.js";
import type { ClusterView } from "../../auth/client/view.js";
import { accessDenied, errorMessage } from "../../errors/error.js";
import { checkSshCertificate } from "../../pki/ssh-certificate.js";
import type { Clock } from "../../plugin/clock.js";
import type { Logger } from "../../plugin/logger.js";
import type { PresentedHost } from "../../ssh/host-verification.js";
import type { ForwardingTarget } from "./target.js";

/** What the check goes by. */
export interface TargetHostCheckOptions {
  readonly view: ClusterView;
  readonly log: Logger;
  readonly clock: Clock;
  /** Accept SHA-1 signatures of the authority, which is all that 4.2 makes. */
  readonly allowSha1: boolean;
}

/**
 * Checks that a target is the host that was dialled: a certificate of the cluster's host authority must name it
 * (features.md §9.3). Throws `access_denied`, unless the cluster has `proxy_checks_host_keys: no`: then a host that proves
 * nothing is accepted, and the log says so.
 */
export function checkTargetHost(
  { certificate }: PresentedHost,
  target: ForwardingTarget,
  { view, log, clock, allowSha1 }: TargetHostCheckOptions,
): void {
  try {
    if (certificate === undefined) {
      throw accessDenied("remote host presented a public key, expected a host certificate");
    }
    checkSshCertificate(certificate, {
      type: "host",
      authorities: trustedHostAuthorities(view),
      principal: target.requiredName,
      now: clock.now(),
      allowSha1,
    });
  } catch (error) {
    if (view.clusterConfig().spec.proxy_checks_host_keys === "yes") throw error;
    log.warn("a target has not proven who it is, and proxy_checks_host_keys is no", {
      target: target.requiredName,
      reason: errorMessage(error),
    });
  }
}
