import type { ClusterView } from "../auth/client/view.js";
import type { Settings } from "../config/settings.js";
import { parseDuration } from "../grammar/duration.js";
import type { SshAlgorithms, SshLimits } from "../ssh/contract.js";
import { DEFAULT_LIMITS } from "../ssh/limits.js";

/** Algorithms as teleport.yaml lists them. SHA-1 signatures only for a cluster with 4.2 peers. */
export function sshAlgorithms(settings: Settings): SshAlgorithms {
  return {
    ...(settings.ciphers ? { ciphers: settings.ciphers } : {}),
    ...(settings.kexAlgorithms ? { kex: settings.kexAlgorithms } : {}),
    ...(settings.macAlgorithms ? { macs: settings.macAlgorithms } : {}),
    allowSha1: settings.compatibility === "4.2",
  };
}

/** Limits whose keepalives follow the cluster's configuration as it is at the time of each connection. */
export function sshLimits(settings: Settings, view: ClusterView): SshLimits {
  return {
    ...DEFAULT_LIMITS,
    maxPerAddress: settings.connectionLimits.maxConnections,
    get keepAliveIntervalMs() {
      return parseDuration(view.clusterConfig().spec.keep_alive_interval);
    },
    get keepAliveCountMax() {
      return view.clusterConfig().spec.keep_alive_count_max;
    },
  };
}
