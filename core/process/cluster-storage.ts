/** The cluster's storage: found where it is now, and exchangeable while the daemon serves. */
import { parseYaml } from "../document/yaml-document.js";
import { plainValue } from "../document/positioned.js";
import { EMPTY_MAP } from "../config/schema/open-map.js";
import type { Settings } from "../config/settings.js";
import type { Storage } from "../plugin/storage.js";
import { createClusterSettingsStore } from "../resources/cluster-settings.js";
import { createPresenceStore } from "../resources/presence.js";
import { findCluster, sameSettings, type CompletedMove } from "../storage/migration/find-cluster.js";
import { StorageMover } from "../storage/migration/mover.js";
import type {
  ClusterIdentity,
  HostName,
  MigrationRecord,
  StoreSettings,
} from "../storage/migration/records.js";
import type { MigrationTools, OpenStore } from "../storage/migration/tools.js";
import { measuredBackend } from "./measured-backend.js";
import { storageSelection, type Selection } from "./plugin-selection.js";
import { rememberStore, rememberedStore } from "./remembered-store.js";
import { openProcessStore, runSelected, type PluginBase } from "./running-plugins.js";

/** The cluster's storage, with what moves it. */
export interface ClusterStorage {
  readonly mover: StorageMover;
  /** Opens another store. Throws what is wrong: settings, reach, credentials. */
  open(settings: StoreSettings): Promise<OpenStore>;
  /** What teleport.yaml says, as it was last loaded. */
  configured: StoreSettings;
  /** Whether the cluster was told to go to the configured storage while this host was away. */
  readonly moveOn: boolean;
  /** A move that this start has found decided, but of whose end nobody has told. */
  readonly completed?: CompletedMove | undefined;
  /** Takes moves of dead hosts that this one has put an end to. */
  onAborted: (record: MigrationRecord) => void;
}

/** Opens the storage that the cluster is in, which need not be the configured one: records of moves are followed. */
export async function openClusterStorage(needs: PluginBase, processStore: Storage): Promise<ClusterStorage> {
  const { settings } = needs;
  const configured = configuredStore(settings);
  const tools = migrationTools(needs, (record) => cluster?.onAborted(record));
  let cluster: ClusterStorage | undefined;
  const remembered = await rememberedStore(processStore);
  const startAnew = settings.auth?.bootstrapFile !== undefined;
  const found = await findCluster({ configured, remembered, startAnew }, tools);
  try {
    const mover = await StorageMover.start(found.store, tools);
    if (!remembered || !sameSettings(remembered, found.store.settings)) {
      await rememberStore(processStore, found.store.settings);
    }
    const { moveOn, completed } = found;
    const { open } = tools;
    cluster = { mover, open, configured, moveOn, completed, onAborted: () => undefined };
    return cluster;
  } catch (error) {
    await found.store.close();
    throw error;
  }
}

/** The storage that the settings name. */
export function configuredStore(settings: Settings): StoreSettings {
  const { type, settings: own } = settings.storage;
  return { type, settings: plainValue(own) as Readonly<Record<string, unknown>> };
}

function migrationTools(needs: PluginBase, onAborted: MigrationTools["onAborted"]): MigrationTools {
  const { host, clock, log } = needs;
  return {
    open: (settings) => openStore(needs, settings),
    identify,
    authServers,
    onServing: async ({ settings }) => {
      // That of the start is closed once the services run.
      const store = await openProcessStore(needs);
      await rememberStore(store.product, settings).finally(() => store.close());
    },
    onAborted,
    host,
    clock,
    log: log.child("storage"),
  };
}

async function openStore(needs: PluginBase, settings: StoreSettings): Promise<OpenStore> {
  const plugin = await runSelected<"storage">(needs, selectionOf(settings, needs.settings));
  return {
    settings,
    storage: measuredBackend(plugin.product, settings.type, needs),
    close: () => plugin.close(),
  };
}

/** The settings in the form that plugins are chosen by; those of teleport.yaml itself keep their lines and columns. */
function selectionOf(wanted: StoreSettings, settings: Settings): Selection {
  const configured = storageSelection(settings);
  if (sameSettings(configuredStore(settings), wanted)) return configured;
  const { root } = parseYaml(JSON.stringify(wanted.settings), "");
  return { ...configured, name: wanted.type, settings: root?.kind === "map" ? root : EMPTY_MAP };
}

async function identify(storage: Storage): Promise<ClusterIdentity | undefined> {
  const store = createClusterSettingsStore(storage);
  const name = (await store.findClusterName())?.spec.cluster_name;
  if (name === undefined) return undefined;
  return { name, id: (await store.findClusterConfig())?.spec.cluster_id ?? name };
}

async function authServers(storage: Storage): Promise<HostName[]> {
  const servers = await createPresenceStore(storage).authServers.list();
  return servers.map(({ metadata, spec }) => ({ id: metadata.name, name: spec.hostname }));
}
