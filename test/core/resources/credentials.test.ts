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

describe("secrets of exports", () => {
  const device = { raw: "BQS+", key_handle: "AAEC", pubkey: "MFkw" };

  it("are read from where 4.2 keeps them, for one user and for all, and written back", async () => {
    const old = createMemoryStorage();
    const texts = {
      "carl/hotp": "DER",
      "carl/pwd": "$2a$10$NSsGWzcLAqz.ajhNfHpwMummnEYfWpmckVsxYf3Hdu2G7EMWxm.ly",
      "carl/sessions/0123": "{}",
      "carl/totp": "ZOAPXIYERRHSO6PJ",
      "carl/u2fregistration": '{"raw":"BQS+","keyhandle":"AAEC","marshalled_pubkey":"MFkw"}',
      "carl/u2fregistrationcounter": '{"counter":5}',
      "carla/totp": "7QKUPN3UAM4TDOHH",
    };
    for (const [name, text] of Object.entries(texts)) {
      await old.put({ key: `/web/users/${name}`, value: Buffer.from(text) });
    }
    const all = await createCredentialStore(old).allSecrets();
    const password_hash = Buffer.from(texts["carl/pwd"]).toString("base64");
    assert.deepEqual(Object.fromEntries(all), {
      carl: { password_hash, totp_key: texts["carl/totp"], u2f_registration: device, u2f_counter: 5 },
      carla: { totp_key: texts["carla/totp"] },
    });

    const fresh = createMemoryStorage();
    const credentials = createCredentialStore(fresh);
    for (const [user, secrets] of all) {
      assert.deepEqual(await createCredentialStore(old).secrets(user), secrets);
      await credentials.putSecrets(user, secrets);
    }
    assert.deepEqual(await credentials.allSecrets(), all);
    const { value } = await fresh.get("/web/users/carl/u2fregistration");
    assert.equal(Buffer.from(value).toString(), texts["carl/u2fregistration"]);
    assert.deepEqual(await credentials.secrets("carol"), {});
  });
});
