/** How a service of this host gets the certificates that show who it is. */
import type { AuthServer, IdentityNames } from "../auth/auth-server.js";
import type { HostIdentity } from "../auth/client/identity.js";
import type { IdentityStore } from "../auth/client/identity-store.js";
import { joinCluster } from "../auth/client/join.js";
import type { Settings } from "../config/settings.js";
import { badParameter } from "../errors/error.js";
import { formatAddress } from "../grammar/address.js";
import { parseSshCertificateLine } from "../pki/ssh-certificate.js";
import type { Clock } from "../plugin/clock.js";
import type { Logger } from "../plugin/logger.js";
import type { SystemRole } from "../resources/token.js";
import type { Host } from "./host.js";

/**
 * An identity from the auth server of this process: the stored one as long as it belongs to this cluster, is vouched
 * for by its present authorities and carries all names; otherwise a new one, which is stored.
 */
export async function localIdentity(
  server: AuthServer,
  identities: IdentityStore,
  role: SystemRole,
  names: IdentityNames,
): Promise<HostIdentity> {
  const stored = await identities.read(role);
  if (stored && stored.clusterName === server.clusterName && fits(stored, names, authoritiesOf(server))) {
    return stored;
  }
  const issued = await server.issueHostIdentity(role, names);
  await identities.write(issued);
  return issued;
}

/**
 * An identity from an auth server elsewhere: the stored one, else one that a join token gives. Waits and tries again
 * until the cluster admits this host or the signal is aborted. Throws `bad_parameter` where there is no token.
 */
export async function joinedIdentity(context: {
  readonly identities: IdentityStore;
  readonly role: SystemRole;
  readonly names: IdentityNames;
  readonly settings: Settings;
  readonly host: Host;
  readonly log: Logger;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}): Promise<HostIdentity> {
  const { identities, role, names, settings, host, log, clock, signal } = context;
  const stored = await identities.read(role);
  if (stored) return stored;
  if (!settings.readAuthToken) {
    throw badParameter(
      `${role} must join a cluster and needs a provisioning token: give one with --token or auth_token`,
    );
  }
  const identity = await joinCluster({
    addresses: settings.authServers.map(formatAddress),
    token: settings.readAuthToken(),
    role,
    hostId: host.id,
    nodeName: host.name,
    caPins: settings.caPins,
    principals: names.principals,
    dnsNames: names.dnsNames ?? [],
    insecure: settings.insecure,
    log,
    clock,
    signal,
  });
  await identities.write(identity);
  return identity;
}

function fits(identity: HostIdentity, names: IdentityNames, authorities: ReadonlySet<string>): boolean {
  const carried = new Set(parseSshCertificateLine(identity.sshCertificate).principals);
  return (
    names.principals.every((name) => name === "" || carried.has(name)) &&
    identity.tlsAuthorities.length > 0 &&
    identity.tlsAuthorities.every((pem) => authorities.has(pem.trim()))
  );
}

function authoritiesOf(server: AuthServer): ReadonlySet<string> {
  return new Set(server.trustedAuthorities.current().map(({ certPem }) => certPem.trim()));
}
