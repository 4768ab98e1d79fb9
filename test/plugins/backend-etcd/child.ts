/** A second process on the same store, for the crash cases: `child.js <keys of teleport.storage as JSON>`. */
import { serveCrashWriter } from "../../../core/plugin/kit/storage-conformance.js";
import { openEtcdStorage } from "../../../plugins/backend-etcd/index.js";
import { etcdSettings } from "../../../plugins/backend-etcd/settings.js";

const keys = JSON.parse(process.argv[2] ?? "") as object;
await serveCrashWriter(() => openEtcdStorage(etcdSettings.parse(keys)));
