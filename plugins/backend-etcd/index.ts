/** `storage.etcd`: the cluster's state in etcd (API v3), which several auth services share. */
import { definePlugin } from "@teleport/plugin";
import { EtcdStorage } from "./etcd-storage.js";
import { etcdSettings } from "./settings.js";

export { openEtcdStorage, type EtcdStorageOptions } from "./etcd-storage.js";

export default definePlugin({
  id: "storage.etcd",
  kind: "storage",
  apiVersion: "^1.0.0",
  schema: etcdSettings,
  // dial_timeout is the limit; this one is beyond its greatest value.
  startTimeoutMs: 360_000,
  create(settings, { log, clock }) {
    const storage = new EtcdStorage({ ...settings, log, clock });
    return { product: storage, start: () => storage.open(), close: () => storage.close() };
  },
});
