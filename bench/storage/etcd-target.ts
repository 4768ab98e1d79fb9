/** etcd3 as it is, on a server of its own. */
import { Etcd3 } from "etcd3";
import { startEtcd } from "../../test/kit/etcd.js";
import type { BenchTarget } from "./target.js";

/** A single server in a temporary folder. */
export async function etcdTarget(): Promise<BenchTarget> {
  const etcd = await startEtcd();
  const client = new Etcd3({
    hosts: etcd.peers,
    // A range of all items is larger than the library takes by default.
    grpcOptions: { "grpc.max_receive_message_length": -1 },
  });
  const key = (n: number): string => `/raw/${String(n).padStart(6, "0")}`;
  return {
    name: "etcd",
    settings: etcd.settings({ prefix: "/bench" }),
    raw: {
      put: (n, value) => client.put(key(n)).value(value),
      get: (n) => client.get(key(n)).buffer(),
      range: async () =>
        Object.keys(await client.getAll().prefix("/raw/").sort("Key", "Ascend").buffers()).length,
    },
    watchBudgetMs: 50,
    sizes: { puts: 1_000, gets: 2_000 },
    async close() {
      client.close();
      await etcd.dispose();
    },
  };
}
