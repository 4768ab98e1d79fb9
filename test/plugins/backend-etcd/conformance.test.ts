import { fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import { storageConformance, type ConformanceCase } from "../../../core/plugin/kit/storage-conformance.js";
import { needEtcd, startEtcd, type EtcdCluster } from "../../kit/etcd.js";
import { TcpProxy } from "../../kit/tcp-proxy.js";
import { freshPrefix, open } from "./open.js";

const child = fileURLToPath(new URL("child.js", import.meta.url));

/** Cases under way at once: most of their time is waiting for leases to end. */
const AT_ONCE = 10;

describe("plugins/backend-etcd: conformance", function () {
  this.timeout(120_000);
  let etcd: EtcdCluster;
  const cases = storageConformance(
    async () => {
      const prefix = freshPrefix();
      const proxy = new TcpProxy(new URL(etcd.peers[0] ?? ""));
      const keys = { prefix, peers: [await proxy.listen()] };
      return {
        storage: await open(etcd, keys),
        peer: () => open(etcd, keys),
        child: () => fork(child, [JSON.stringify(etcd.settings(keys))]),
        outage: (during) => proxy.away(during),
        dispose: () => proxy.close(),
      };
    },
    { patienceMs: 20_000, crash: true, outage: true },
  );
  // The case that measures the event loop must have it for itself.
  const alone = (one: ConformanceCase): boolean => one.name.startsWith("event loop");
  const outcomes = new Map<ConformanceCase, PromiseWithResolvers<unknown>>();

  before(async function () {
    needEtcd(this);
    etcd = await startEtcd();
  });
  after(() => etcd?.dispose());

  /** Starts all cases but those that must be alone. */
  function startAll(): void {
    if (outcomes.size > 0) return;
    const queue = cases.filter((one) => !alone(one));
    queue.forEach((one) => outcomes.set(one, withResolvers()));
    const runner = async (): Promise<void> => {
      for (let one = queue.shift(); one; one = queue.shift()) {
        outcomes.get(one)?.resolve(await one.run().catch((error: unknown) => ({ error })));
      }
    };
    for (let n = 0; n < AT_ONCE; n++) void runner();
  }

  for (const one of cases) {
    it(one.name, async () => {
      if (!alone(one)) startAll();
      const outcome = await (outcomes.get(one)?.promise ?? one.run());
      if (outcome) throw (outcome as { error: unknown }).error;
    });
  }
});

interface PromiseWithResolvers<T> {
  readonly promise: Promise<T>;
  readonly resolve: (value: T) => void;
}

function withResolvers<T>(): PromiseWithResolvers<T> {
  let resolve: (value: T) => void = () => undefined;
  const promise = new Promise<T>((done) => (resolve = done));
  return { promise, resolve };
}
