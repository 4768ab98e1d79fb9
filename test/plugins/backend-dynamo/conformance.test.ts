import { storageConformance } from "../../../core/plugin/kit/storage-conformance.js";
import { freshTable, needDynamo, ownDynamoLocal, type DynamoLocal } from "../../kit/dynamodb.js";
import { AheadClock } from "./ahead-clock.js";
import { openDynamo } from "./open-dynamo.js";

/** Cases of many writes. A server that has seen many is slow, so that each of these has the last use of one. */
const LARGE = /\d,\d{3} |items that stay|across a close|long range|nobody reads/;
const CASES_PER_SERVER = 12;

describe("plugins/backend-dynamo: conformance", function () {
  this.timeout(120_000);
  let server: (DynamoLocal & { close(): void }) | undefined;
  let used = 0;

  before(function () {
    needDynamo(this);
  });
  after(() => server?.close());

  const cases = storageConformance(
    async () => {
      const { endpoint } = (server ??= await ownDynamoLocal());
      const table = freshTable("conformance");
      const clock = new AheadClock();
      const open = () => openDynamo(table, { clock, keys: { endpoint } });
      return { storage: await open(), clock, peer: open };
    },
    { patienceMs: 30_000 },
  );
  for (const { name, run } of cases) {
    it(name, async () => {
      await run();
      if (LARGE.test(name) || ++used % CASES_PER_SERVER === 0) {
        server?.close();
        server = undefined;
      }
    });
  }
});
