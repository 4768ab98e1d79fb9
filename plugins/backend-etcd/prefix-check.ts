import { badParameter } from "@teleport/plugin";
import type { Cluster } from "./cluster.js";
import { callFailure } from "./failure.js";
import type { KeySpace } from "./key-space.js";

/** Where 4.2 keeps a cluster, whatever `prefix` it is given. */
const STOCK_PREFIX = "/teleport";
const CLUSTER_NAME = "/cluster_configuration/name";

/**
 * Refuses a prefix that would make a new cluster beside, or inside of, one that is there: an empty one while `/teleport`
 * holds a cluster, and one below another cluster's prefix. Throws `bad_parameter`.
 */
export async function refuseForeignPrefix(cluster: Cluster, keys: KeySpace, prefix: string): Promise<void> {
  for (const above of prefixesAbove(prefix)) {
    if (await holdsCluster(cluster, above)) {
      throw badParameter(
        `etcd holds a cluster at prefix ${above}, and ${prefix} lies inside of it: set prefix: ${above} to use that ` +
          "cluster, or a prefix of its own",
      );
    }
  }
  if (prefix === STOCK_PREFIX || !(await isEmpty(cluster, keys))) return;
  if (await holdsCluster(cluster, STOCK_PREFIX)) {
    throw badParameter(
      `etcd holds nothing at prefix ${prefix}, but a cluster at ${STOCK_PREFIX}, which is where 4.2 keeps it whatever ` +
        `its prefix: set prefix: ${STOCK_PREFIX}`,
    );
  }
}

/** `/a` and `/a/b` for `/a/b/c`. */
function prefixesAbove(prefix: string): string[] {
  const parts = prefix.split("/").slice(1);
  return parts.slice(1).map((_, n) => `/${parts.slice(0, n + 1).join("/")}`);
}

async function isEmpty(cluster: Cluster, keys: KeySpace): Promise<boolean> {
  const { start: key, end: range_end } = keys.all;
  const { kvs } = await cluster.call("range", { key, range_end, limit: 1, keys_only: true });
  return kvs.length === 0;
}

async function holdsCluster(cluster: Cluster, prefix: string): Promise<boolean> {
  const request = { key: Buffer.from(prefix + CLUSTER_NAME), keys_only: true };
  try {
    return (await cluster.call("range", request)).kvs.length > 0;
  } catch (error) {
    // Whoever may not read a prefix has no cluster there.
    if (callFailure(error, "etcd").kind === "denied") return false;
    throw error;
  }
}
