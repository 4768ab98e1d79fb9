/** What services tell about themselves for `/metrics`. prometheus.ts takes it where there are diagnostics. */
import type { AuditLog } from "../audit/audit-log.js";
import type { AuthServer } from "../auth/auth-server.js";
import type { AuthApi } from "../auth/client/api.js";
import type { StorageHealth } from "../storage/storage-health.js";
import type { PluginMetrics } from "../plugin/metrics.js";
import type { MeasuredVerb, StorageMeter } from "../storage/measured-storage.js";

/** A backend whose operations are to be counted. */
export interface MeasuredBackend {
  /** As `storage.type` says. */
  readonly type: string;
  /** What of a key may be a label. Where it is given, requests are counted by key, too. */
  readonly keyShape?: ((key: string) => string) | undefined;
}

/** Takes what one backend does. */
export interface StorageMetrics {
  readonly meter: StorageMeter;
  /** An operation was slow. */
  readonly slow: (verb: MeasuredVerb) => void;
}

/** Takes what services tell. */
export interface Metrics {
  /** A certificate is asked for; the returned function is called when it is made or refused. */
  certificateRequested(): () => void;
  /** An audit event could not be recorded. */
  auditFailed(): void;
  /** Where the number of interactive sessions can be read. */
  countInteractiveSessions(count: () => number): void;
  /** Where the connection to a cluster can be read. */
  watchCluster(name: string, isConnected: () => boolean): void;
  /** A move of the cluster to another storage has ended. */
  storageMoved(outcome: "moved" | "failed"): void;
  /** A reload has ended. */
  reloaded(outcome: "applied" | "failed"): void;
  /** Where it can be read whether the storage answers. */
  watchStorage(health: StorageHealth): void;
  /** What a plugin, named by its id, counts about itself; undefined where nobody asks. */
  ofPlugin(id: string): PluginMetrics | undefined;
  /** What a backend does; undefined where nobody asks. */
  ofStorage(backend: MeasuredBackend): StorageMetrics | undefined;
}

/** Takes nothing: nobody asks for metrics. */
export const noMetrics: Metrics = {
  certificateRequested: () => () => undefined,
  auditFailed: () => undefined,
  countInteractiveSessions: () => undefined,
  watchCluster: () => undefined,
  storageMoved: () => undefined,
  reloaded: () => undefined,
  watchStorage: () => undefined,
  ofPlugin: () => undefined,
  ofStorage: () => undefined,
};

/** An auth server whose certificate requests are told. */
export function measuredAuth(server: AuthServer, metrics: Metrics): AuthServer {
  const measured = async <T>(request: () => Promise<T>): Promise<T> => {
    const done = metrics.certificateRequested();
    try {
      return await request();
    } finally {
      done();
    }
  };
  const measuredApi = (api: AuthApi): AuthApi => ({
    ...api,
    registerUsingToken: (request) => measured(() => api.registerUsingToken(request)),
    generateServerKeys: (request) => measured(() => api.generateServerKeys(request)),
    generateHostCert: (request) => measured(() => api.generateHostCert(request)),
    generateUserCerts: (request) => measured(() => api.generateUserCerts(request)),
  });
  return {
    trustedAuthorities: server.trustedAuthorities,
    get clusterName() {
      return server.clusterName;
    },
    init: () => server.init(),
    apiFor: (caller) => measuredApi(server.apiFor(caller)),
    issueHostIdentity: (role, names) => server.issueHostIdentity(role, names),
    announce: (address) => server.announce(address),
    close: () => server.close(),
  };
}

/** An audit log whose failures are told. */
export function measuredAudit(audit: AuditLog, metrics: Metrics): AuditLog {
  return {
    async emit(event) {
      try {
        await audit.emit(event);
      } catch (error) {
        metrics.auditFailed();
        throw error;
      }
    },
    search: (query) => audit.search(query),
    close: () => audit.close(),
  };
}
