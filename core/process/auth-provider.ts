/** The auth service of the process: the cluster's state behind the API listener on 3025. */
import path from "node:path";
import { createApiServer } from "../auth/api/server.js";
import { createAuthServer } from "../auth/auth-server.js";
import { callerFromTls, type TlsPeer } from "../auth/caller.js";
import { startHeartbeat } from "../auth/client/heartbeat.js";
import type { HostIdentity } from "../auth/client/identity.js";
import type { AuthSettings as ClusterSettings } from "../auth/settings.js";
import type { AuthSettings } from "../config/auth-settings.js";
import { provide, type Provider } from "../di/provider.js";
import { formatAddress } from "../grammar/address.js";
import { formatDuration } from "../grammar/duration.js";
import { createPlayback } from "../recording/playback.js";
import { advertised } from "./advertise.js";
import { localIdentity } from "./host-identity.js";
import { measuredAuth } from "./metrics.js";
import {
  AUDIT_LOG,
  AUTH_SERVER,
  AUTH_SERVICE,
  CLOCK,
  HOST,
  IDENTITIES,
  LISTENERS,
  LOG,
  METRICS,
  RECORDINGS,
  SETTINGS,
  STORAGE,
  STORAGE_ADMIN,
  STORAGE_HEALTH,
} from "./tokens.js";

/** Names under which clients verify every auth server (wire.md §1.5). */
const LOCAL_NAMES = ["localhost", "127.0.0.1"];

/** Providers of the auth service, for processes that run one. */
export const authProviders: readonly Provider[] = [
  provide({
    token: AUTH_SERVER,
    needs: {
      settings: SETTINGS,
      storage: STORAGE,
      storageAdmin: STORAGE_ADMIN,
      health: STORAGE_HEALTH,
      audit: AUDIT_LOG,
      recordings: RECORDINGS,
      host: HOST,
      log: LOG,
      clock: CLOCK,
      metrics: METRICS,
    },
    async create({ settings, storage, storageAdmin, health, audit, recordings, host, log, clock, metrics }) {
      const logDir = path.join(settings.dataDir, "log");
      const server = createAuthServer({
        storage,
        storageAdmin,
        health,
        storageType: () => storageAdmin.current.type,
        settings: clusterSettings(settings.auth!),
        audit,
        recordings: {
          store: recordings,
          playback: createPlayback({
            store: recordings,
            cacheDirectory: path.join(logDir, "playbacks", "sessions", "default"),
            unpackedDirectory: path.join(logDir, host.id, "sessions", "default"),
            clock,
            log: log.child("playback"),
          }),
        },
        clock,
        log: log.child("auth"),
        journalDirectory: path.join(settings.dataDir, "auth", "journals"),
        hostId: host.id,
        hostname: host.name,
      });
      await server.init();
      return measuredAuth(server, metrics);
    },
    close: (server) => server.close(),
  }),
  provide({
    token: AUTH_SERVICE,
    needs: {
      server: AUTH_SERVER,
      health: STORAGE_HEALTH,
      settings: SETTINGS,
      identities: IDENTITIES,
      listeners: LISTENERS,
      host: HOST,
      log: LOG,
      clock: CLOCK,
    },
    async create({ server, health, settings, identities, listeners, host, log, clock }) {
      const auth = settings.auth!;
      const publicNames = auth.publicAddrs.map((address) => address.host);
      const identity = await localIdentity(server, identities, "Admin", {
        nodeName: host.name,
        principals: [host.name, ...LOCAL_NAMES, ...publicNames],
      });
      const listener = listeners.get("auth");
      const api = await createApiServer({
        tls: () => serverCertificate(identity),
        authorities: () => server.trustedAuthorities.current(),
        callerFor: (peer: TlsPeer | undefined, remoteAddress) =>
          callerFromTls(peer, { localCluster: server.clusterName, remoteAddress }),
        apiFor: (caller) => server.apiFor(caller),
        staleSince: () => health.staleSince(),
        log: log.child("auth:api"),
        clock,
      });
      const address = formatAddress(
        advertised(listener.address, auth.publicAddrs[0], settings.advertiseAddr),
      );
      const heartbeat = startHeartbeat({
        announce: () => server.announce(address),
        log: log.child("auth"),
        clock,
      });
      listener.serve((socket) => api.accept(socket));
      await heartbeat.announced;
      return {
        async drain() {
          await listener.close();
          await api.drain();
        },
        async close() {
          await heartbeat.close();
          await listener.close();
          await api.close();
        },
      };
    },
    drain: (service) => service.drain(),
    close: (service) => service.close(),
  }),
];

function serverCertificate(identity: HostIdentity): { keyPem: string; chainPem: string } {
  return { keyPem: identity.keyPem, chainPem: identity.tlsCertificatePem };
}

/** What the settings say about the cluster, as its resources say it. */
function clusterSettings(auth: AuthSettings): ClusterSettings {
  return {
    clusterName: auth.clusterName,
    staticTokens: auth.staticTokens,
    authPreference: {
      type: auth.authentication.type,
      second_factor: auth.authentication.secondFactor,
      u2f: {},
    },
    clusterConfig: {
      session_recording: auth.sessionRecording,
      ...(auth.syncRecording && { session_recording_sync: true }),
      proxy_checks_host_keys: auth.proxyChecksHostKeys ? "yes" : "no",
      audit: {},
      client_idle_timeout: formatDuration(auth.clientIdleTimeoutMs),
      disconnect_expired_cert: auth.disconnectExpiredCert,
      keep_alive_interval: formatDuration(auth.keepAliveIntervalMs),
      keep_alive_count_max: auth.keepAliveCountMax,
      local_auth: auth.authentication.localAuth,
      ...(auth.authentication.lockingMode === "strict" && { locking_mode: "strict" }),
    },
    sessionControlTimeoutMs: auth.sessionControlTimeoutMs,
    bootstrapFile: auth.bootstrapFile,
  };
}
