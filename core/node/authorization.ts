/** Who may open a connection to this node, and as which login. */
import type { ServerFacts } from "../access/access.js";
import type { ClusterView } from "../auth/client/view.js";
import { accessDenied } from "../errors/error.js";
import type { SshCertificate } from "../pki/ssh-certificate.js";
import { identifyUser, type UserIdentity } from "../access/user-identity.js";

/** What the decision is about. */
export interface LoginRequest {
  readonly certificate: SshCertificate;
  readonly login: string;
  readonly view: ClusterView;
  readonly server: ServerFacts;
  /** The only login of a node that does not run as root; undefined where there is no such bound. */
  readonly onlyLogin: string | undefined;
}

/**
 * Decides about a client whose certificate is verified. Throws `access_denied` with the full reason, which is for the
 * log and the audit; clients are told no more than that they are refused.
 */
export function authorizeLogin(request: LoginRequest): UserIdentity {
  const { login, onlyLogin } = request;
  const identity = identifyUser(request.certificate, request.view);
  const decision = identity.access.checkServer(request.server, login);
  if (!decision.allowed) throw accessDenied(`${decision.publicText}: ${decision.reason}`);
  if (onlyLogin !== undefined && login !== onlyLogin) {
    throw accessDenied(`this node does not run as root, so "${onlyLogin}" is its only login, not "${login}"`);
  }
  return identity;
}
