import type { AuthPreference, ClusterConfig } from "../resources/cluster.js";
import type { ProvisionToken } from "../resources/token.js";

/** What teleport.yaml says about the cluster. It is written over what is stored at every start, but for the name. */
export interface AuthSettings {
  /** The cluster's name at its first start; a stored name wins ever after. */
  readonly clusterName: string;
  readonly staticTokens: readonly ProvisionToken[];
  readonly authPreference: AuthPreference["spec"];
  /** The cluster's id is made at the first start and kept. */
  readonly clusterConfig: Omit<ClusterConfig["spec"], "cluster_id">;
  /** How long a user's connection keeps its place without being heard of. */
  readonly sessionControlTimeoutMs: number;
  /** A file of resources that the cluster's first start loads. */
  readonly bootstrapFile?: string | undefined;
}
