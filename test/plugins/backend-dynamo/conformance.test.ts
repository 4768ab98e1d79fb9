import { fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import { storageConformance, type ConformanceCase } from "../../../core/plugin/kit/storage-conformance.js";
import { freshTable, needDynamo, ownDynamoLocal, type DynamoLocal } from "../../kit/dynamodb.js";
import { TcpProxy } from "../../kit/tcp-proxy.js";
import { AheadClock } from "./ahead-clock.js";
import { openDynamo } from "./open-dynamo.js";

/** Cases of many writes. A server that has seen many is slow, so that each of these has the last use of one. */
const LARGE = /\d,\d{3} |items that stay|across a close|long range|nobody reads/;
const CASES_PER_SERVER = 12;

const child = fileURLToPath(new URL("child.js", import.meta.url));

describe("plugins/backend-dynamo: conformance", function () {
  this.timeout(180_000);
  let server: (DynamoLocal & { close(): void }) | undefined;
  let used = 0;

  before(function () {
    needDynamo(this);
  });
  after(() => server?.close());

  const onAheadClock = storageConformance(
    async () => {
      const { endpoint } = (server ??= await ownDynamoLocal());
      const table = freshTable("conformance");
      const clock = new AheadClock();
      const open = () => openDynamo(table, { clock, keys: { endpoint } });
      return { storage: await open(), clock, peer: open };
    },
    { patienceMs: 30_000 },
  );
  // Another process does not see a clock that is put forward.
  const inRealTime = storageConformance(
    async () => {
      const local = (server ??= await ownDynamoLocal());
      const table = freshTable("conformance");
      const proxy = new TcpProxy(new URL(local.endpoint));
      const { type: _type, ...settings } = local.settings;
      const keys = { ...settings, table_name: table, endpoint: await proxy.listen() };
      const open = () => openDynamo(table, { keys: { ...keys, retry_period: "200ms" } });
      return {
        storage: await open(),
        peer: open,
        child: () => fork(child, [JSON.stringify(keys)]),
        outage: (during) => proxy.away(during),
        dispose: () => proxy.close(),
      };
    },
    { patienceMs: 30_000, crash: true, outage: true, groups: ["outage", "crash"] },
  );

  async function runOnFreshServer({ name, run }: ConformanceCase): Promise<void> {
    await run();
    if (LARGE.test(name) || ++used % CASES_PER_SERVER === 0) {
      server?.close();
      server = undefined;
    }
  }

  for (const one of [...onAheadClock, ...inRealTime]) it(one.name, () => runOnFreshServer(one));
});
