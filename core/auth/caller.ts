/** Who calls the auth service, as the TLS layer proved it. */
import { accessDenied } from "../errors/error.js";
import type { TlsIdentity } from "../pki/tls-identity.js";
import type { AuthorityType } from "../resources/authority.js";
import { isSystemRole, isSystemRoleName } from "../resources/token.js";
import type { SystemRole } from "../resources/token.js";
import type { Traits } from "../resources/user.js";

/** A caller without a certificate, who reaches exactly the calls that wire.md §5.3 marks "any". */
export interface AnonymousCaller {
  readonly kind: "anonymous";
  /** `ip:port` of the peer; empty within the process. */
  readonly remoteAddress: string;
}

/** A host of this cluster. */
export interface SystemCaller {
  readonly kind: "system";
  readonly role: SystemRole;
  readonly hostId: string;
  readonly clusterName: string;
  readonly remoteAddress: string;
}

/** A user of this cluster, with what the certificate grants. */
export interface UserCaller {
  readonly kind: "user";
  readonly username: string;
  readonly roles: readonly string[];
  readonly traits: Traits;
  /** When the certificate's validity starts: what locks of deleted users go by. */
  readonly issuedAt: Date;
  /** When the certificate expires: nothing that the user asks for may live longer. */
  readonly expires: Date;
  readonly remoteAddress: string;
}

/** Who calls. */
export type Caller = AnonymousCaller | SystemCaller | UserCaller;

/** What the TLS layer knows about a peer whose certificate it has verified. */
export interface TlsPeer {
  readonly identity: TlsIdentity;
  /** The authority that the peer's certificate chains to. */
  readonly authority: { readonly type: AuthorityType; readonly clusterName: string };
}

/**
 * The caller behind a TLS connection. System roles count only on certificates of the host authority and user roles only
 * on those of the user authority, so neither authority can make the other's callers. Throws `access_denied`.
 */
export function callerFromTls(
  peer: TlsPeer | undefined,
  connection: { readonly localCluster: string; readonly remoteAddress: string },
): Caller {
  const { localCluster, remoteAddress } = connection;
  if (peer === undefined) {
    return { kind: "anonymous", remoteAddress };
  }
  const { identity, authority } = peer;
  if (identity.issuerCluster !== authority.clusterName || authority.clusterName !== localCluster) {
    throw accessDenied(`certificates of the cluster ${identity.issuerCluster} are not accepted here`);
  }
  if ((identity.usage ?? []).length > 0) {
    throw accessDenied("this certificate is restricted to another use and cannot call the auth service");
  }
  if (authority.type === "host") {
    return hostCaller(identity, localCluster, remoteAddress);
  }
  const forged = identity.roles.find(isSystemRoleName);
  if (forged !== undefined) {
    throw accessDenied(`a user certificate cannot carry the system role ${forged}`);
  }
  return {
    kind: "user",
    username: identity.username,
    roles: identity.roles,
    traits: identity.traits ?? {},
    issuedAt: identity.notBefore,
    expires: identity.expires,
    remoteAddress,
  };
}

function hostCaller(identity: TlsIdentity, localCluster: string, remoteAddress: string): SystemCaller {
  const [role, ...others] = identity.roles;
  if (role === undefined || others.length > 0 || !isSystemRole(role)) {
    throw accessDenied("a host certificate must carry exactly one system role");
  }
  const suffix = `.${localCluster}`;
  const hostId = identity.username.slice(0, -suffix.length);
  if (!identity.username.endsWith(suffix) || hostId === "" || hostId.includes(".")) {
    throw accessDenied(`a host certificate must be named <host id>${suffix}`);
  }
  return { kind: "system", role, hostId, clusterName: localCluster, remoteAddress };
}

/** The name of the user who calls; undefined for hosts and for nobody. What audit events say of who did it. */
export function callingUser(caller: Caller): string | undefined {
  return caller.kind === "user" ? caller.username : undefined;
}

/** `ip:port` of the client: a proxy hands on the requests of others and says whose they are; nobody else is believed. */
export function clientAddress(caller: Caller, said: string | undefined): string {
  return (caller.kind === "system" && caller.role === "Proxy" && said) || caller.remoteAddress;
}
