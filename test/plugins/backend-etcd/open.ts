import { randomBytes } from "node:crypto";
import type { Storage } from "../../../core/plugin/storage.js";
import { openEtcdStorage, type EtcdStorageOptions } from "../../../plugins/backend-etcd/index.js";
import { etcdSettings } from "../../../plugins/backend-etcd/settings.js";
import type { EtcdCluster } from "../../kit/etcd.js";

/** A prefix that nobody has used. */
export const freshPrefix = (): string => `/test-${randomBytes(6).toString("hex")}`;

/** Opens a storage on a cluster with keys of `teleport.storage`, as the configuration would. */
export async function open(
  etcd: EtcdCluster,
  keys: object = { prefix: freshPrefix() },
  options: Partial<EtcdStorageOptions> = {},
): Promise<Storage> {
  return openEtcdStorage({ ...etcdSettings.parse(etcd.settings(keys)), ...options });
}
