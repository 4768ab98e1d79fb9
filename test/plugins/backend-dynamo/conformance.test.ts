import { fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import { storageConformance } from "../../../core/plugin/kit/storage-conformance.js";
import { dynamoLocal, freshTable, needDynamo, ownDynamoLocal, type DynamoLocal } from "../../kit/dynamodb.js";
import { TcpProxy } from "../../kit/tcp-proxy.js";
import { AheadClock } from "./ahead-clock.js";
import { openDynamo } from "./open-dynamo.js";

/** Cases of a thousand writes and more: each has a server of its own, since one that has seen many is slow. */
const LARGE = /\d,\d{3} |items that stay|across a close/;

const child = fileURLToPath(new URL("child.js", import.meta.url));

describe("plugins/backend-dynamo: conformance", function () {
  this.timeout(120_000);
  let server: DynamoLocal & { close?: () => void };

  before(function () {
    needDynamo(this);
  });

  const onAheadClock = storageConformance(
    async () => {
      const { endpoint } = server;
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
      const table = freshTable("conformance");
      const proxy = new TcpProxy(new URL(server.endpoint));
      const { type: _type, ...settings } = server.settings;
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
  for (const { name, run } of [...onAheadClock, ...inRealTime]) {
    it(name, async () => {
      server = LARGE.test(name) ? await ownDynamoLocal() : await dynamoLocal();
      try {
        await run();
      } finally {
        server.close?.();
      }
    });
  }
});
