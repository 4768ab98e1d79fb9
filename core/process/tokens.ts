/** The things that a generation of the daemon is made of. */
import type { AuditLog } from "../audit/audit-log.js";
import type { IdentityStore } from "../auth/client/identity-store.js";
import type { AuthServer } from "../auth/auth-server.js";
import type { Settings } from "../config/settings.js";
import type { PositionedNode } from "../document/positioned.js";
import { token } from "../di/token.js";
import type { PluginHost } from "../plugin/host.js";
import type { Clock } from "../plugin/clock.js";
import type { Logger } from "../plugin/logger.js";
import type { RecordingStore } from "../plugin/recording.js";
import type { Storage } from "../plugin/storage.js";
import type { TlsSource } from "../plugin/tls.js";
import type { ClusterStorage } from "./cluster-storage.js";
import type { StorageHealth } from "../storage/storage-health.js";
import type { Host } from "./host.js";
import type { Listeners } from "./listeners.js";
import type { Metrics } from "./metrics.js";
import type { Service } from "./service.js";
import type { ProcessStorageAdmin } from "./storage-admin.js";

/** Aborted when the daemon is told to end: it cuts a wait for a cluster that does not admit this host. */
export const STOPPING = token<AbortSignal>("stopping");
/** teleport.yaml as it is written; undefined without one. */
export const CONFIGURATION = token<PositionedNode | undefined>("configuration");
export const SETTINGS = token<Settings>("settings");
export const LOG = token<Logger>("log");
export const CLOCK = token<Clock>("clock");
export const HOST = token<Host>("host");
export const LISTENERS = token<Listeners>("listeners");
export const METRICS = token<Metrics>("metrics");
export const PLUGINS = token<PluginHost>("plugins");
export const IDENTITIES = token<IdentityStore>("identities");
/** Where the cluster is kept, and what exchanges it. */
export const CLUSTER_STORAGE = token<ClusterStorage>("storage.cluster");
/** What administrators do with the cluster's storage. */
export const STORAGE_ADMIN = token<ProcessStorageAdmin>("storage.admin");
export const STORAGE = token<Storage>("plugin.storage");
export const STORAGE_HEALTH = token<StorageHealth>("plugin.storage.health");
export const AUDIT_LOG = token<AuditLog>("audit");
export const RECORDINGS = token<RecordingStore>("plugin.recording");
/** Undefined where the web listener speaks plain HTTP. */
export const WEB_TLS = token<TlsSource | undefined>("plugin.tls");
export const AUTH_SERVER = token<AuthServer>("auth.server");
/** The auth server of this process, or undefined where it runs none. */
export const LOCAL_AUTH = token<AuthServer | undefined>("auth.local");
export const AUTH_SERVICE = token<Service>("auth.service");
export const PROXY_SERVICE = token<Service>("proxy.service");
export const NODE_SERVICE = token<Service>("node.service");
