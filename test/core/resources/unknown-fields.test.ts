/** Fields that other releases store survive what we write over their objects (storage.md §5). */
import assert from "node:assert/strict";
import type { Storage } from "../../../core/plugin/storage.js";
import { createAuthorityStore } from "../../../core/resources/authorities.js";
import { keys } from "../../../core/resources/keys.js";
import { createRoleStore } from "../../../core/resources/roles.js";
import { createUserStore } from "../../../core/resources/users.js";
import { createMemoryStorage } from "../../../core/storage/memory-storage.js";
import { readStore42 } from "./store-4.2.js";

type Json = Record<string, Record<string, unknown>>;

describe("fields that this release does not know", () => {
  let storage: Storage;
  beforeEach(async () => {
    storage = createMemoryStorage();
    for (const { key, item } of readStore42()) await storage.put({ key, value: item.value });
  });

  const read = async (key: string): Promise<string> =>
    Buffer.from((await storage.get(key)).value).toString("utf8");
  /** Adds fields to a stored object, as a later release might have written it. */
  const extend = async (key: string, change: (json: Json) => void): Promise<void> => {
    const json = JSON.parse(await read(key)) as Json;
    change(json);
    await storage.put({ key, value: Buffer.from(JSON.stringify(json)) });
  };

  it("stay in a user who is locked, and in one who is written anew", async () => {
    const key = keys.user("alice");
    await extend(key, (user) => {
      user["metadata"]!["revision"] = "r1";
      user["spec"]!["trusted_device_ids"] = ["d1"];
      (user["spec"]!["status"] as Record<string, unknown>)["recovery_attempt_lock_expires"] = "never";
    });
    const users = createUserStore(storage);
    await users.modify("alice", (user) => ({
      ...user,
      spec: { ...user.spec, status: { ...user.spec.status, is_locked: true } },
    }));
    const { spec, ...alice } = await users.get("alice");
    await users.put({ ...alice, spec: { ...spec, roles: ["dev"] } });

    const stored = JSON.parse(await read(key)) as Json;
    assert.equal(stored["metadata"]!["revision"], "r1");
    assert.deepEqual(stored["spec"]!["trusted_device_ids"], ["d1"]);
    assert.deepEqual(stored["spec"]!["roles"], ["dev"]);
    assert.deepEqual(stored["spec"]!["status"], {
      is_locked: true,
      locked_time: "0001-01-01T00:00:00Z",
      lock_expires: "0001-01-01T00:00:00Z",
      recovery_attempt_lock_expires: "never",
    });
  });

  it("stay in a role, but what is known and removed does not come back", async () => {
    const key = keys.role("dev");
    await extend(key, (role) => {
      role["metadata"]!["labels"] = { team: "a" };
      role["spec"]!["options"] = { ...(role["spec"]!["options"] as object), pin_source_ip: true };
      role["spec"]!["allow"] = {
        ...(role["spec"]!["allow"] as object),
        db_names: ["*"],
        rules: [
          { resources: ["session"], verbs: ["list"], reviewed: 1 },
          { resources: ["node"], verbs: ["list"], reviewed: 2 },
        ],
      };
    });
    const roles = createRoleStore(storage);
    const role = await roles.get("dev");
    const { labels: _labels, ...metadata } = role.metadata;
    const { node_labels: _nodeLabels, ...allow } = role.spec.allow;
    const rules = [...role.spec.allow.rules!];
    rules[1] = { resources: ["node"], verbs: ["list", "read"] };
    await roles.put({ ...role, metadata, spec: { ...role.spec, allow: { ...allow, logins: [], rules } } });

    const stored = JSON.parse(await read(key)) as Json;
    assert.deepEqual(stored["metadata"], { name: "dev" });
    assert.equal((stored["spec"]!["options"] as Json)["pin_source_ip"], true);
    assert.deepEqual(stored["spec"]!["allow"], {
      logins: [],
      rules: [
        { resources: ["session"], verbs: ["list"], reviewed: 1 },
        { resources: ["node"], verbs: ["list", "read"] },
      ],
      request: { roles: ["admin"] },
      db_names: ["*"],
    });
  });

  it("do not stay in authorities, whose bytes 4.2 compares", async () => {
    const key = keys.authority("host", "store.test");
    const canonical = await read(key);
    await extend(key, (authority) => void (authority["spec"]!["active_keys"] = {}));
    const authorities = createAuthorityStore(storage);
    await authorities.put((await authorities.get("host", "store.test")).value);
    assert.equal(await read(key), canonical);
  });

  it("do not keep a damaged object from being written anew", async () => {
    const roles = createRoleStore(storage);
    const role = await roles.get("dev");
    for (const damage of ["{", "null", '{"kind":"role"}', "[]"]) {
      await storage.put({ key: keys.role("dev"), value: Buffer.from(damage) });
      await roles.put(role);
      assert.deepEqual(await roles.get("dev"), role);
    }
  });
});
