import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { isProcessIdentity, isRunning, thisProcess } from "../../../core/recording/process-identity.js";

describe("process identities", () => {
  it("know this process, after a trip through JSON too", () => {
    const identity: unknown = JSON.parse(JSON.stringify(thisProcess()));
    assert.ok(isProcessIdentity(identity) && isRunning(identity));
  });

  it("tell a process that has ended, or belongs to another boot", async () => {
    const child = spawn("true");
    await once(child, "exit");
    assert.equal(isRunning({ pid: child.pid ?? assert.fail() }), false);
    assert.equal(isRunning({ ...thisProcess(), bootId: "another" }), false);
    assert.equal(isRunning({ ...thisProcess(), startTicks: "1" }), false);
  });

  it("are not made of anything else", () => {
    for (const value of [undefined, null, 5, {}, { pid: 0 }, { pid: "1" }, { pid: 1, startTicks: 5 }]) {
      assert.equal(isProcessIdentity(value), false, JSON.stringify(value));
    }
  });
});
