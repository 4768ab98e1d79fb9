/** Changes to the settings of the cluster while it runs. At its next start teleport.yaml is written over them. */
import { badParameter } from "../errors/error.js";
import { authPreferenceCodec, clusterConfigCodec } from "../resources/cluster-codec.js";
import type { ClusterSettingsStore } from "../resources/cluster-settings.js";
import type { AuthPreference, ClusterConfig } from "../resources/cluster.js";

/** Changes settings. */
export interface ClusterSettings {
  /** Throws `bad_parameter`, also for another `cluster_id` than the cluster's. */
  setConfig(config: ClusterConfig): Promise<void>;
  /** Throws `bad_parameter`, also for ways to log in that this release does not have. */
  setAuthPreference(preference: AuthPreference): Promise<void>;
}

/** The settings in a store. */
export function createClusterSettings(store: ClusterSettingsStore): ClusterSettings {
  return {
    async setConfig(input) {
      const config = clusterConfigCodec.check(input);
      const { cluster_id: id } = (await store.clusterConfig()).spec;
      if (config.spec.cluster_id !== "" && config.spec.cluster_id !== id) {
        throw badParameter("the cluster_id of a cluster never changes: leave it out");
      }
      await store.putClusterConfig({
        ...config,
        metadata: { ...config.metadata, name: "cluster-config" },
        spec: { ...config.spec, cluster_id: id },
      });
    },
    async setAuthPreference(input) {
      const preference = authPreferenceCodec.check(input);
      const { type, second_factor: secondFactor } = preference.spec;
      if (type !== "local" || secondFactor === "u2f") {
        throw badParameter(
          "users of this release log in with type local and second_factor otp or off: nobody could log in otherwise",
        );
      }
      await store.putAuthPreference({
        ...preference,
        metadata: { ...preference.metadata, name: "cluster-auth-preference" },
      });
    },
  };
}
