import { hasCode } from "../errors/error.js";
import type { Storage } from "../plugin/storage.js";
import {
  authPreferenceCodec,
  clusterConfigCodec,
  clusterNameCodec,
  staticTokensCodec,
} from "./cluster-codec.js";
import type { AuthPreference, ClusterConfig, ClusterName, StaticTokens } from "./cluster.js";
import { createCollection } from "./collection.js";
import { keys } from "./keys.js";

/** The singletons of the cluster. Reads throw `not_found` before the first start. */
export interface ClusterSettingsStore {
  clusterName(): Promise<ClusterName>;
  findClusterName(): Promise<ClusterName | undefined>;
  /** Fixes the name for ever; the first writer wins, and its name is returned. */
  createClusterName(name: ClusterName): Promise<ClusterName>;
  clusterConfig(): Promise<ClusterConfig>;
  findClusterConfig(): Promise<ClusterConfig | undefined>;
  putClusterConfig(config: ClusterConfig): Promise<void>;
  authPreference(): Promise<AuthPreference>;
  putAuthPreference(preference: AuthPreference): Promise<void>;
  staticTokens(): Promise<StaticTokens>;
  putStaticTokens(tokens: StaticTokens): Promise<void>;
}

/** The singletons in a backend. */
export function createClusterSettingsStore(storage: Storage): ClusterSettingsStore {
  const names = createCollection(storage, clusterNameCodec);
  const configs = createCollection(storage, clusterConfigCodec);
  const preferences = createCollection(storage, authPreferenceCodec);
  const tokens = createCollection(storage, staticTokensCodec);
  const clusterName = async (): Promise<ClusterName> =>
    (await names.get(keys.clusterName, "the cluster has no name yet")).value;
  return {
    clusterName,
    findClusterName: async () => (await names.find(keys.clusterName))?.value,
    async createClusterName(name) {
      try {
        await names.create(keys.clusterName, name);
      } catch (error) {
        if (!hasCode(error, "already_exists")) {
          throw error;
        }
      }
      return clusterName();
    },
    clusterConfig: async () =>
      (await configs.get(keys.clusterConfig, "the cluster has no configuration yet")).value,
    findClusterConfig: async () => (await configs.find(keys.clusterConfig))?.value,
    putClusterConfig: async (config) => void (await configs.replace(keys.clusterConfig, config)),
    authPreference: async () =>
      (await preferences.get(keys.authPreference, "the cluster has no authentication preference yet")).value,
    putAuthPreference: async (preference) =>
      void (await preferences.replace(keys.authPreference, preference)),
    staticTokens: async () =>
      (await tokens.get(keys.staticTokens, "the cluster has no static tokens yet")).value,
    putStaticTokens: async (resource) => void (await tokens.put(keys.staticTokens, resource)),
  };
}
