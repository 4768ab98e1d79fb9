import assert from "node:assert/strict";
import { createKeyedMutex } from "../../../core/auth/keyed-mutex.js";

describe("the keyed mutex", () => {
  it("runs the tasks of one key one after another, failures too, and other keys meanwhile", async () => {
    const mutex = createKeyedMutex();
    const log: string[] = [];
    let release = (): void => undefined;
    const gate = new Promise<void>((resolve) => (release = resolve));
    const first = mutex.run("a", async () => {
      await gate;
      log.push("a1");
      throw new Error("a1 failed");
    });
    const second = mutex.run("a", async () => void log.push("a2"));
    await mutex.run("b", async () => void log.push("b1"));
    release();
    await assert.rejects(first, /a1 failed/);
    await second;
    assert.deepEqual(log, ["b1", "a1", "a2"]);
  });
});
