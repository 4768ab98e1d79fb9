import assert from "node:assert/strict";
import { openIdentityStore } from "../../../../core/auth/client/identity-store.js";
import { EXTENSION_KEYS } from "../../../../core/grammar/extension-keys.js";
import { createMemoryStorage } from "../../../../core/storage/memory-storage.js";

describe("the identity store", () => {
  const extra = { keyPem: "key", sshCertificate: "certificate" };

  it("keeps further host keys where 4.2 never looks, one for each role and name", async () => {
    const storage = createMemoryStorage();
    const identities = openIdentityStore(storage, "33333333-2222-4333-8444-555555555555");
    await identities.writeExtraKey("Node", "ed25519", extra);
    const written: string[] = [];
    for await (const { key } of storage.range({ start: "/", end: "0" })) written.push(key);
    assert.deepEqual(written, [`${EXTENSION_KEYS}/host-keys/node/ed25519`]);
    assert.deepEqual(await identities.readExtraKey("Node", "ed25519"), extra);
    assert.equal(await identities.readExtraKey("Proxy", "ed25519"), undefined);
  });

  it("names the key that it cannot read", async () => {
    const storage = createMemoryStorage();
    await storage.put({ key: "/ids/node/current", value: Buffer.from('{"kind":') });
    const identities = openIdentityStore(storage, "33333333-2222-4333-8444-555555555555");
    await assert.rejects(identities.read("Node"), {
      code: "corrupt",
      message: /^\/ids\/node\/current in the/,
    });
    assert.equal(await identities.read("Proxy"), undefined);
  });
});
