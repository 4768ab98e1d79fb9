/** A service's way to the cluster: its identity, its API client, its replica of the state, and its host keys. */
import type { AuthServer, IdentityNames } from "../auth/auth-server.js";
import type { AuthApi } from "../auth/client/api.js";
import { AuthServers } from "../auth/client/auth-servers.js";
import { createClusterView } from "../auth/client/cluster-view.js";
import { connectAuth } from "../auth/client/connect.js";
import type { HostIdentity } from "../auth/client/identity.js";
import type { IdentityStore } from "../auth/client/identity-store.js";
import type { ClusterView, ViewKind } from "../auth/client/view.js";
import type { Settings } from "../config/settings.js";
import { formatAddress } from "../grammar/address.js";
import type { Clock } from "../plugin/clock.js";
import type { Logger } from "../plugin/logger.js";
import type { SystemRole } from "../resources/token.js";
import type { SshSigner } from "../ssh/contract.js";
import type { Host } from "./host.js";
import { joinedIdentity, localIdentity } from "./host-identity.js";
import { hostSigners } from "./host-keys.js";

/** What a proxy or node works with. */
export interface ClusterAccess {
  readonly identity: HostIdentity;
  readonly api: AuthApi;
  readonly view: ClusterView;
  readonly signers: readonly SshSigner[];
  /** The configured auth servers, the one in use first. Undefined in a process with its own. */
  readonly servers: AuthServers | undefined;
  close(): Promise<void>;
}

/** What it takes to get there. */
export interface AccessOptions {
  readonly role: SystemRole;
  readonly names: IdentityNames;
  readonly kinds: readonly ViewKind[];
  /** The auth server of this process, if it has one: then nothing goes over the network. */
  readonly server: AuthServer | undefined;
  readonly identities: IdentityStore;
  readonly settings: Settings;
  readonly host: Host;
  readonly log: Logger;
  readonly clock: Clock;
  /** Ends the wait for a cluster that does not admit this host yet. */
  readonly signal: AbortSignal;
}

/** Gets a service its identity and connects it. Retries a join for ever; throws what no retry can mend. */
export async function openClusterAccess(options: AccessOptions): Promise<ClusterAccess> {
  const { role, names, server, identities, host, log, clock } = options;
  const identity = server
    ? await localIdentity(server, identities, role, names)
    : await joinedIdentity(options);
  const servers = new AuthServers(options.settings.authServers.map(formatAddress));
  const api = server
    ? server.apiFor({
        kind: "system",
        role,
        hostId: host.id,
        clusterName: server.clusterName,
        remoteAddress: "",
      })
    : remoteApi(identity, servers, options);
  try {
    const view = await createClusterView(api, { kinds: options.kinds, log, clock, signal: options.signal });
    const signers = await hostSigners(identity, identities, api);
    return {
      identity,
      api,
      view,
      signers,
      servers: server ? undefined : servers,
      async close() {
        await view.close();
        await api.close();
      },
    };
  } catch (error) {
    await api.close();
    throw error;
  }
}

function remoteApi(identity: HostIdentity, servers: AuthServers, { clock }: AccessOptions): AuthApi {
  return connectAuth({
    addresses: servers,
    credentials: { keyPem: identity.keyPem, certPem: identity.tlsCertificatePem },
    authorities: identity.tlsAuthorities,
    clock,
  });
}
