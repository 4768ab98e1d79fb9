import assert from "node:assert/strict";
import { parseYaml } from "../../../../core/document/yaml-document.js";
import { changedKeys } from "../../../../core/process/reload/changed-keys.js";
import { isStorageKey, planReload } from "../../../../core/process/reload/plan.js";

const tree = (text: string) => parseYaml(text).root!;
const A = { type: "dir", settings: { path: "/a" } };
const B = { type: "dir", settings: { path: "/b" } };

describe("core/process/reload/plan", () => {
  it("names each key that differs with its place, those that are gone last", () => {
    const before = tree("teleport: {nodename: a, pid_file: /x}\nssh_service: {labels: {a: b}}\n");
    const after = tree("teleport: {nodename: b}\nssh_service: {labels: {a: b, c: d}}\n");
    assert.deepEqual(changedKeys(before, after), [
      { key: "teleport.nodename", place: { line: 1, column: 12 } },
      { key: "teleport.pid_file", place: { line: 1, column: 1 } },
      { key: "ssh_service.labels.c", place: { line: 2, column: 30 } },
    ]);
    assert.deepEqual(changedKeys(after, after), []);
  });

  it("compares lists as a whole, and a map with what is none key by key", () => {
    const keysOf = (before: string, after: string): string[] =>
      changedKeys(tree(before), tree(after)).map(({ key }) => key);
    assert.deepEqual(keysOf("a: [1, 2]\n", "a: [2, 1]\n"), ["a"]);
    assert.deepEqual(keysOf("a: [{b: 1}]\n", "a: [{b: 1}]\n"), []);
    assert.deepEqual(keysOf("a: 1\n", "a: {b: 1}\n"), ["a.b"]);
    assert.deepEqual(keysOf("a: {b: 1}\n", "a: {b: 2}\n"), ["a.b"]);
  });

  it("takes the backend's keys for the storage, and no others of that section", () => {
    assert.ok(isStorageKey("teleport.storage.type"));
    assert.ok(isStorageKey("teleport.storage.peers"));
    assert.ok(!isStorageKey("teleport.storage.audit_events_uri"));
    assert.ok(!isStorageKey("teleport.storage.slow_operation_threshold"));
    assert.ok(!isStorageKey("teleport.nodename"));
  });

  it("moves the cluster where it is not yet, whatever the file said before, and leaves all else to a restart", () => {
    const running = tree("teleport: {nodename: a, storage: {type: dir, path: /b}}\n");
    const next = tree("teleport: {nodename: b, storage: {type: dir, path: /b}}\n");
    const plan = planReload({ running, next, storage: { current: A, wanted: B } });
    assert.deepEqual(plan.moveTo, B);
    assert.deepEqual(
      plan.keys.map(({ key, effect }) => [key, effect]),
      [
        ["teleport.storage", "moved while serving"],
        ["teleport.nodename", "needs a restart"],
      ],
    );
  });

  it("says that nothing happens where the cluster is there already, or has no auth service here", () => {
    const running = tree("teleport: {storage: {type: dir, path: /a}}\n");
    const next = tree("teleport: {storage: {type: dir, path: /b}}\n");
    for (const storage of [{ current: B, wanted: B }, undefined]) {
      const plan = planReload({ running, next, storage });
      assert.equal(plan.moveTo, undefined);
      assert.deepEqual(
        plan.keys.map(({ effect }) => effect),
        ["unchanged"],
      );
    }
    assert.deepEqual(planReload({ running, next: running, storage: { current: A, wanted: A } }).keys, []);
  });
});
