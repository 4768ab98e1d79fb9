/** A cluster whose state is in DynamoDB. */
import assert from "node:assert/strict";
import { dynamoLocal, freshTable, needDynamo } from "../kit/dynamodb.js";
import { startDaemon } from "./kit/daemon.js";
import { addUser } from "./kit/users.js";

describe("e2e: state in DynamoDB", function () {
  this.timeout(120_000);
  before(function () {
    needDynamo(this);
  });

  it("keeps everything over a restart", async () => {
    const { settings } = await dynamoLocal();
    const storage = { ...settings, table_name: freshTable("e2e"), continuous_backups: true };
    const daemon = await startDaemon({ teleport: { storage } });
    try {
      assert.match(daemon.output(), /continuous_backups is not offered by http:/);
      assert.ok(!daemon.output().includes("NodeVersionSupportWarning"));
      const status = await daemon.tctl("status");
      await addUser(daemon, "alice", "root");
      await daemon.stop();
      await daemon.restart();
      assert.equal(await daemon.tctl("status"), status);
      assert.match(await daemon.tctl("users", "ls"), /alice/);
    } finally {
      await daemon.remove();
    }
  });
});
