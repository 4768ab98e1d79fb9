/**
 * The auth service: the cluster's state, its authorities, and the one typed interface through which everybody else
 * reaches them. Network transports are in api/; this is what stands behind them.
 */
import { internal } from "../errors/error.js";
import { createAccess } from "../access/access.js";
import { generateRsaKeyPair, privateKeyPem } from "../pki/keys.js";
import { sshPublicBlob } from "../pki/ssh-key.js";
import type { Clock } from "../plugin/clock.js";
import type { Logger } from "../plugin/logger.js";
import type { Storage } from "../plugin/storage.js";
import type { SystemRole } from "../resources/token.js";
import { acquireStartLock } from "../storage/start-lock.js";
import { unwatchedHealth, type StorageHealth } from "../storage/storage-health.js";
import { createAccounts } from "./accounts.js";
import type { AuditTrail } from "./audit-trail.js";
import { createAuthApi } from "./auth-api.js";
import { loadBootstrap } from "./bootstrap.js";
import type { Services } from "./calls/scope.js";
import type { Caller } from "./caller.js";
import type { AuthApi } from "./client/api.js";
import type { HostIdentity } from "./client/identity.js";
import { createClusterSettings } from "./cluster-settings.js";
import { createCredentialsCheck } from "./credentials-check.js";
import { prepareCluster } from "./first-start.js";
import { createHostCertificates } from "./host-certificates.js";
import { createJoinTokens } from "./join-tokens.js";
import { createJoins } from "./join.js";
import { createLoginGuard } from "./login-guard.js";
import { createLockCheck } from "./lock-check.js";
import { createLocks } from "./locks.js";
import { createLogins } from "./login.js";
import { createPresence } from "./presence.js";
import { createRateLimit } from "./rate-limit.js";
import { createSessionAudit, type Recordings } from "./session-audit.js";
import { createSessionClaims } from "./session-claims.js";
import { createSessionControl } from "./session-control.js";
import { createSessionJournals } from "./session-journals.js";
import type { AuthSettings } from "./settings.js";
import { fromBase64 } from "./base64.js";
import { createSigners } from "./signers.js";
import { createSignups } from "./signup.js";
import type { StorageAdmin } from "./storage-admin.js";
import { createStorageBenches } from "./storage-benches.js";
import { createStores } from "./stores.js";
import { createTrustedAuthorities, type TrustedAuthorities } from "./trusted-authorities.js";
import { createUserCertificates } from "./user-certificates.js";
import { createWebLoginSessions } from "./web-login-sessions.js";

/** Password checks, looks at invites, and attempts to join, per client and second (features.md §6.3). */
const ATTEMPTS_PER_SECOND = 10;

/** What an auth service is made of. It owns none of it. */
export interface AuthServerOptions {
  readonly storage: Storage;
  /** Exchanges `storage` while it serves. */
  readonly storageAdmin: StorageAdmin;
  /** Whether the storage answers, where that is looked after. */
  readonly health?: StorageHealth | undefined;
  /** The type of the backend behind `storage`, as it is now. */
  readonly storageType: () => string;
  readonly settings: AuthSettings;
  readonly audit: AuditTrail;
  readonly recordings: Recordings;
  /** Where recordings of running sessions grow. */
  readonly journalDirectory: string;
  readonly clock: Clock;
  readonly log: Logger;
  readonly hostId: string;
  readonly hostname: string;
}

/** The names that one of the auth server's own identities carries. */
export interface IdentityNames {
  readonly nodeName: string;
  readonly principals: readonly string[];
  readonly dnsNames?: readonly string[];
}

/** A running auth service. */
export interface AuthServer {
  /** Makes the cluster at its first start, writes the settings. Must be done before anything else. */
  init(): Promise<void>;
  /** The cluster's name, which may differ from the configured one. Throws before {@link init}. */
  readonly clusterName: string;
  /** The authorities that callers' certificates may chain to, always up to date. */
  readonly trustedAuthorities: TrustedAuthorities;
  /** The typed interface with the rights of one caller. */
  apiFor(caller: Caller): AuthApi;
  /** An identity for a service of this process, with a new key, and without a token. */
  issueHostIdentity(role: SystemRole, names: IdentityNames): Promise<HostIdentity>;
  /** Lists this auth server under an address that proxies can dial, until it expires in ten minutes. */
  announce(address: string): Promise<void>;
  close(): Promise<void>;
}

/** An auth service over a backend. */
export function createAuthServer(options: AuthServerOptions): AuthServer {
  const { storage, settings, clock, log, hostId, hostname } = options;
  const stores = createStores(storage);
  const authorities = createTrustedAuthorities({ storage, stores, clock, log });
  let services: Services | undefined;

  const started = (): Services => {
    if (services === undefined) {
      throw internal("the auth service is not initialised yet");
    }
    return services;
  };

  return {
    trustedAuthorities: authorities,
    get clusterName() {
      return started().clusterName;
    },
    async init() {
      const lock = await acquireStartLock(storage, settings.clusterName, { clock });
      const prepare = async (): Promise<string> => {
        const { bootstrapFile, clusterName } = settings;
        if (bootstrapFile !== undefined) {
          await loadBootstrap(storage, bootstrapFile, { clusterName, log, clock });
        }
        return prepareCluster(stores, settings, { log, now: clock.now() });
      };
      const clusterName = await prepare().finally(() => lock.release());
      await authorities.start();
      services = createServices(options, clusterName);
    },
    apiFor: (caller) => createAuthApi(caller, started()),
    async issueHostIdentity(role, names) {
      const { clusterName, hostCertificates } = started();
      const { publicKey, privateKey } = await generateRsaKeyPair();
      const packed = await hostCertificates.issue(
        {
          hostId,
          role,
          clusterName,
          nodeName: names.nodeName,
          principals: names.principals,
          dnsNames: names.dnsNames ?? [],
          remoteHost: "",
        },
        { ssh: { blob: sshPublicBlob(publicKey), key: publicKey }, tls: publicKey },
      );
      return {
        hostId,
        role,
        clusterName,
        keyPem: privateKeyPem(privateKey),
        sshCertificate: fromBase64(packed.cert),
        tlsCertificatePem: fromBase64(packed.tls_cert),
        tlsAuthorities: packed.tls_ca_certs.map(fromBase64),
        sshAuthorities: packed.ssh_ca_certs.map(fromBase64),
      };
    },
    announce: (address) =>
      started().presence.announceAuthServer({
        kind: "auth_server",
        version: "v2",
        metadata: { name: hostId },
        spec: { addr: address, hostname },
      }),
    close: async () => {
      services?.sessionClaims.close();
      await services?.sessionJournals.close();
      await authorities.close();
    },
  };
}

function createServices(options: AuthServerOptions, clusterName: string): Services {
  const { storage, settings, audit, recordings, clock, log, hostname } = options;
  const stores = createStores(storage);
  const signers = createSigners(stores.authorities, clusterName);
  const { health = unwatchedHealth } = options;
  const lockCheck = createLockCheck({
    ...{ locks: stores.locks, clock },
    staleSince: () => health.staleSince(),
    isStrict: async (names) => {
      const { locking_mode: mode = "best_effort" } = (await stores.settings.clusterConfig()).spec;
      const roles = await Promise.all(names.map((name) => stores.roles.get(name)));
      return createAccess(roles, {}).lockingMode(mode) === "strict";
    },
  });
  const userCertificates = createUserCertificates({
    users: stores.users,
    roles: stores.roles,
    lockCheck,
    signers,
    clock,
  });
  const hostCertificates = createHostCertificates(signers, clock);
  const sessions = createWebLoginSessions({
    webSessions: stores.webSessions,
    certificates: userCertificates,
    clock,
  });
  const locks = createLocks({ locks: stores.locks, audit, clock });
  const rateLimit = createRateLimit(ATTEMPTS_PER_SECOND, clock);
  const joinTokens = createJoinTokens(stores, clock);
  const { namespaces, sessionOwners: owners } = stores;
  const claims = createSessionClaims({ owners, health, clock, log });
  const sessionAudit = createSessionAudit({ audit, recordings, namespaces, claims, clock });
  return {
    clusterName,
    hostId: options.hostId,
    storage,
    health,
    stores,
    clock,
    log,
    rateLimit,
    userCertificates,
    hostCertificates,
    joinTokens,
    recordings,
    storageAdmin: options.storageAdmin,
    accounts: createAccounts({ stores, locks, audit, clock }),
    clusterSettings: createClusterSettings(stores.settings),
    locks,
    lockCheck,
    logins: createLogins({
      users: stores.users,
      settings: stores.settings,
      webSessions: stores.webSessions,
      guard: createLoginGuard({ users: stores.users, attempts: stores.attempts, clock }),
      check: createCredentialsCheck({ credentials: stores.credentials, clock, log }),
      rateLimit,
      certificates: userCertificates,
      lockCheck,
      sessions,
      signers,
      audit,
      clock,
    }),
    signups: createSignups({ stores, sessions, lockCheck, audit, clock, hostname }),
    joins: createJoins({
      tokens: joinTokens,
      certificates: hostCertificates,
      clusterName,
      rateLimit: createRateLimit(ATTEMPTS_PER_SECOND, clock),
      audit,
      log,
    }),
    presence: createPresence(stores.presence, clock),
    sessionAudit,
    sessionClaims: claims,
    sessionJournals: createSessionJournals({
      ...{ sessionAudit, namespaces, owners, clock, log },
      directory: options.journalDirectory,
      isStored: (sessionId) => recordings.playback.exists(sessionId),
    }),
    storageBenches: createStorageBenches({
      ...{ storage, hostname, audit, clock, log },
      storageType: options.storageType,
    }),
    sessionControl: createSessionControl({
      places: stores.connectionPlaces,
      clock,
      leaseMs: settings.sessionControlTimeoutMs,
    }),
  };
}
