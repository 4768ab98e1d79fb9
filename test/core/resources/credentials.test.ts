import assert from "node:assert/strict";
import { createCredentialStore, type CredentialStore } from "../../../core/resources/credentials.js";
import { createMemoryStorage } from "../../../core/storage/memory-storage.js";

const NOW = new Date("2026-11-22T12:00:00Z");

describe("accepted TOTP steps", () => {
  let credentials: CredentialStore;

  beforeEach(() => {
    credentials = createCredentialStore(createMemoryStorage());
  });

  const accept = (step: number) => credentials.acceptTotpStep("alice", step, "123456", NOW);

  it("only grow", async () => {
    assert.equal(await accept(100), true);
    assert.equal(await accept(100), false);
    assert.equal(await accept(99), false);
    assert.equal(await accept(101), true);
  });

  it("are won by one of many at once, first and later", async () => {
    for (const step of [100, 101]) {
      const won = await Promise.all(Array.from({ length: 20 }, () => accept(step)));
      assert.equal(won.filter(Boolean).length, 1);
    }
  });
});
