/** Providers of what plugins give: storage, audit sinks, the recording store and the web certificate. */
import path from "node:path";
import { createAuditLog, type NamedSink } from "../audit/audit-log.js";
import { openIdentityStore } from "../auth/client/identity-store.js";
import type { Settings } from "../config/settings.js";
import { provide, type Provider } from "../di/provider.js";
import { token } from "../di/token.js";
import type { PluginDefinition } from "../plugin/define.js";
import { checkPluginGraph, type PluginHost, type RunningPlugin } from "../plugin/host.js";
import type { Storage } from "../plugin/storage.js";
import { replicatedKeys } from "../resources/replicated-keys.js";
import { createReplicatedStorage, type ReplicatedStorage } from "../storage/replica.js";
import { sanitized } from "../storage/sanitized.js";
import { openClusterStorage } from "./cluster-storage.js";
import { measuredAudit } from "./metrics.js";
import {
  allSelections,
  auditSelections,
  checkSelections,
  recordingSelection,
  tlsSelection,
  type Selection,
} from "./plugin-selection.js";
import { ProcessStorageAdmin } from "./storage-admin.js";
import { patientStart } from "./patient-start.js";
import { openProcessStore, pluginBase, runSelected, type PluginBase } from "./running-plugins.js";
import {
  AUDIT_LOG,
  CLOCK,
  CLUSTER_STORAGE,
  CONFIGURATION,
  HOST,
  IDENTITIES,
  LOG,
  METRICS,
  RECORDINGS,
  SETTINGS,
  STOPPING,
  STORAGE,
  STORAGE_ADMIN,
  STORAGE_HEALTH,
  WEB_TLS,
} from "./tokens.js";

const REPLICA = token<ReplicatedStorage>("storage.replica");
const AUDIT_PLUGINS = token<readonly RunningPlugin<"audit">[]>("plugin.audit.instances");
const RECORDING_PLUGIN = token<RunningPlugin<"recording">>("plugin.recording.instance");
const TLS_PLUGIN = token<RunningPlugin<"tls"> | undefined>("plugin.tls.instance");

/** The running store of {@link identityProviders}. */
export const PROCESS_STORE = token<RunningPlugin<"storage">>("plugin.process-store.instance");

/** This host's own identities. */
export const identityProviders: readonly Provider[] = [
  provide({
    token: PROCESS_STORE,
    needs: pluginBase,
    create: (needs) => openProcessStore(needs),
    close: (plugin) => plugin.close(),
  }),
  provide({
    token: IDENTITIES,
    needs: { store: PROCESS_STORE, host: HOST },
    create: ({ store, host }) => openIdentityStore(store.product, host.id),
  }),
];

/** What the auth service keeps its state, audit events and recordings in. */
export const authPluginProviders: readonly Provider[] = [
  provide({
    token: CLUSTER_STORAGE,
    needs: { ...pluginBase, processStore: PROCESS_STORE, stopping: STOPPING },
    create: ({ processStore, stopping, ...needs }) =>
      patientStart(() => openClusterStorage(needs, processStore.product), {
        ...{ what: "the storage", stopping },
        ...{ log: needs.log, clock: needs.clock },
      }),
    close: ({ mover }) => mover.close(),
  }),
  provide({
    token: REPLICA,
    needs: { cluster: CLUSTER_STORAGE, log: LOG, clock: CLOCK, metrics: METRICS },
    create: ({ cluster, log, clock, metrics }) => {
      const replica = createReplicatedStorage(cluster.mover.storage, {
        scope: replicatedKeys,
        log: log.child("storage"),
        clock,
      });
      metrics.watchStorage(replica.health);
      return replica;
    },
    close: (replica) => replica.close(),
  }),
  provide({ token: STORAGE, needs: { replica: REPLICA }, create: ({ replica }) => sanitized(replica) }),
  provide({ token: STORAGE_HEALTH, needs: { replica: REPLICA }, create: ({ replica }) => replica.health }),
  provide({
    token: AUDIT_PLUGINS,
    needs: { ...pluginBase, storage: STORAGE },
    create: ({ storage, ...needs }) => startAll(auditSelections(needs.settings), needs, storage),
    close: async (plugins) => void (await Promise.all(plugins.map((plugin) => plugin.close()))),
  }),
  provide({
    token: AUDIT_LOG,
    needs: { plugins: AUDIT_PLUGINS, settings: SETTINGS, log: LOG, clock: CLOCK, metrics: METRICS },
    create: ({ plugins, settings, log, clock, metrics }) => {
      const audit = createAuditLog({
        sinks: plugins.map(({ id, product }): NamedSink => ({ name: id, sink: product })),
        policy: settings.auditPolicy,
        log: log.child("audit"),
        clock,
        spillDir: path.join(settings.dataDir, "log", "spill"),
      });
      return measuredAudit(audit, metrics);
    },
    close: (audit) => audit.close(),
  }),
  provide({
    token: STORAGE_ADMIN,
    needs: { ...pluginBase, cluster: CLUSTER_STORAGE, audit: AUDIT_LOG, running: CONFIGURATION },
    create: async (needs) => {
      const admin = new ProcessStorageAdmin(needs);
      await admin.begin();
      return admin;
    },
    close: (admin) => admin.close(),
  }),
  provide({
    token: RECORDING_PLUGIN,
    needs: { ...pluginBase, storage: STORAGE },
    create: ({ storage, ...needs }) =>
      runSelected<"recording">(needs, recordingSelection(needs.settings), storage),
    close: (plugin) => plugin.close(),
  }),
  provide({ token: RECORDINGS, needs: { plugin: RECORDING_PLUGIN }, create: ({ plugin }) => plugin.product }),
];

/** Where the web listener's certificate comes from; from nowhere with `--insecure-no-tls`. */
export const tlsPluginProviders: readonly Provider[] = [
  provide({
    token: TLS_PLUGIN,
    needs: pluginBase,
    create: (needs) =>
      needs.settings.proxy?.tls ? runSelected<"tls">(needs, tlsSelection(needs.settings)) : undefined,
    close: async (plugin) => plugin?.close(),
  }),
  provide({ token: WEB_TLS, needs: { plugin: TLS_PLUGIN }, create: ({ plugin }) => plugin?.product }),
];

/**
 * Finds every plugin that the settings choose, and refuses settings that a plugin does not take and a graph that cannot
 * be built.
 */
export async function checkSelectedPlugins(settings: Settings, plugins: PluginHost): Promise<void> {
  const selected: [PluginDefinition, Selection][] = [];
  for (const selection of allSelections(settings)) {
    selected.push([await plugins.definition(selection.kind, selection.name), selection]);
  }
  checkSelections(selected, settings);
  checkPluginGraph(selected.map(([definition]) => definition));
}

/** Starts several plugins of one kind; when one fails, those before it are closed. */
async function startAll(
  selections: readonly Selection[],
  needs: PluginBase,
  storage: Storage,
): Promise<readonly RunningPlugin<"audit">[]> {
  const running: RunningPlugin<"audit">[] = [];
  try {
    for (const selection of selections) running.push(await runSelected<"audit">(needs, selection, storage));
  } catch (error) {
    await Promise.allSettled(running.map((plugin) => plugin.close()));
    throw error;
  }
  return running;
}
