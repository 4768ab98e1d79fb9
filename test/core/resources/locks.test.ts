import assert from "node:assert/strict";
import { createLockStore } from "../../../core/resources/locks.js";
import { createMemoryStorage } from "../../../core/storage/memory-storage.js";
import { sanitized } from "../../../core/storage/sanitized.js";

describe("locks against a user", () => {
  it("are all but those of other deleted users, whatever their names", async () => {
    const store = createLockStore(sanitized(createMemoryStorage()));
    const others = ["0", "deleted-user", "deleted-user-", "deleted-user.", "deleted-user0", "deleted-user@a"];
    const names = [...others, "deleted-users:a", "z", "deleted-user:alice", "deleted-user:bob"];
    for (const name of names) {
      await store.put({
        kind: "lock",
        version: "v2",
        metadata: { name },
        spec: { target: { user: name.split(":")[1] ?? "alice" } },
      });
    }
    const against = async (user: string): Promise<string[]> =>
      (await store.listAgainst(user)).map(({ metadata }) => metadata.name).sort();
    assert.deepEqual(await against("alice"), names.filter((name) => name !== "deleted-user:bob").sort());
    assert.deepEqual(
      await against("carol"),
      names.filter((name) => !name.startsWith("deleted-user:")).sort(),
    );
    assert.equal((await store.list()).length, names.length);
  });
});
