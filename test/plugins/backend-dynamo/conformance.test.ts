import { storageConformance } from "../../../core/plugin/kit/storage-conformance.js";
import { dynamoLocal, freshTable, needDynamo } from "../../kit/dynamodb.js";
import { AheadClock } from "./ahead-clock.js";
import { openDynamo } from "./open-dynamo.js";

describe("plugins/backend-dynamo: conformance", function () {
  this.timeout(60_000);

  before(async function () {
    needDynamo(this);
    await dynamoLocal();
  });

  const cases = storageConformance(async () => {
    const table = freshTable("conformance");
    const clock = new AheadClock();
    const open = () => openDynamo(table, { clock });
    return { storage: await open(), clock, peer: open };
  });
  for (const { name, run } of cases) {
    it(name, run);
  }
});
