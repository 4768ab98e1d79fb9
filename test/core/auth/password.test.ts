import assert from "node:assert/strict";
import { hashPassword, verifyPassword } from "../../../core/auth/password.js";

describe("passwords", () => {
  it("match their own hash and no other", async () => {
    const hash = await hashPassword("correct horse");
    assert.equal(await verifyPassword("correct horse", hash), true);
    assert.equal(await verifyPassword("correct horsf", hash), false);
  });

  it("are never right where there is no hash", async () => {
    assert.equal(await verifyPassword("", undefined), false);
    assert.equal(await verifyPassword("correct horse", undefined), false);
  });

  it("are counted in bytes", async () => {
    await assert.rejects(hashPassword("ééé".slice(0, 2)), /min length is 6/);
    await hashPassword("ééé");
    await assert.rejects(hashPassword("é".repeat(37)), /max length is 72/);
  });

  it("leave the event loop free while they are compared", async () => {
    const hash = await hashPassword("correct horse");
    let turns = 0;
    let comparing = true;
    const turn = (): void => {
      turns += 1;
      if (comparing) {
        setImmediate(turn);
      }
    };
    turn();
    await verifyPassword("correct horse", hash);
    comparing = false;
    assert.ok(turns > 100, `the loop turned ${turns} times`);
  });
});
