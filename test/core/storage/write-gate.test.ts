import assert from "node:assert/strict";
import { WriteGate } from "../../../core/storage/write-gate.js";

describe("core/storage/write-gate", () => {
  it("stays closed until everyone who has closed it opens it", async () => {
    const gate = new WriteGate();
    await gate.close("one");
    await gate.close("two");
    let entered = false;
    const write = gate.enter().then(() => (entered = true));
    gate.open("one");
    gate.open("one");
    await new Promise((resolve) => setImmediate(resolve));
    assert.equal(entered, false);
    gate.open("two");
    await write;
  });

  it("refuses writes once it has ended, whoever closes it then", async () => {
    const gate = new WriteGate();
    await gate.close("one");
    const waiting = gate.enter();
    gate.end();
    await assert.rejects(waiting, { code: "unavailable" });
    await gate.close("two");
    await assert.rejects(gate.enter(), { code: "unavailable" });
  });
});
