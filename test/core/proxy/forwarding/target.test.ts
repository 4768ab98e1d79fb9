import assert from "node:assert/strict";
import { nodeTarget, targetName, unregisteredTarget } from "../../../../core/proxy/forwarding/target.js";
import { nodeAt } from "../ssh/proxy-fixture.js";

const ID = "11111111-1111-4111-8111-111111111111";

describe("proxy: targets of the recording proxy", () => {
  it("prove to clients every name of a node, and must be the very node that was found", () => {
    const node = nodeAt("node1", "10.0.0.7:3022", ID);
    const address = { host: "10.0.0.7", port: 3022 };
    const target = nodeTarget(
      node,
      { host: "Node1.example.test", namespace: "default", address },
      "example.test",
    );
    assert.deepEqual(target.presentedNames, [
      "node1.example.test",
      "node1",
      ID,
      `${ID}.example.test`,
      "10.0.0.7",
    ]);
    assert.equal(target.requiredName, `${ID}.example.test`);
    assert.equal(targetName(target), ID);
    assert.deepEqual(target.facts, { namespace: "default", labels: {}, id: ID, hostname: "node1" });
  });

  it("that are not registered have the dialled name alone, and no labels", () => {
    const target = unregisteredTarget({ host: "db", port: 22 }, "default", "example.test");
    assert.deepEqual(target.presentedNames, ["db", "db.example.test"]);
    assert.equal(target.requiredName, "db");
    assert.equal(targetName(target), "db:22");
    assert.deepEqual(target.facts, { namespace: "default", labels: {}, id: "", hostname: "db" });
  });
});
