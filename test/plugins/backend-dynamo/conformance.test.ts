import { storageConformance } from "../../../core/plugin/kit/storage-conformance.js";
import { dynamoLocal, freshTable, needDynamo, ownDynamoLocal, type DynamoLocal } from "../../kit/dynamodb.js";
import { AheadClock } from "./ahead-clock.js";
import { openDynamo } from "./open-dynamo.js";

/** Cases of a thousand writes and more: each has a server of its own, since one that has seen many is slow. */
const LARGE = /\d,\d{3} |items that stay|across a close/;

describe("plugins/backend-dynamo: conformance", function () {
  this.timeout(120_000);
  let server: DynamoLocal & { close?: () => void };

  before(function () {
    needDynamo(this);
  });

  const cases = storageConformance(
    async () => {
      const { endpoint } = server;
      const table = freshTable("conformance");
      const clock = new AheadClock();
      const open = () => openDynamo(table, { clock, keys: { endpoint } });
      return { storage: await open(), clock, peer: open };
    },
    { patienceMs: 30_000 },
  );
  for (const { name, run } of cases) {
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
