import assert from "node:assert/strict";
import { storageBenchText, warnings } from "../../../../core/cli/tctl/storage-bench-report.js";
import type { StorageBenchPhase, StorageBenchReport } from "../../../../core/resources/storage-bench.js";

const phase = (
  name: StorageBenchPhase["name"],
  more: Partial<StorageBenchPhase> = {},
): StorageBenchPhase => ({
  name,
  in_flight: 8,
  count: 100,
  failed: 0,
  per_second: 512.4,
  p50_ms: 1.23456,
  p99_ms: 2,
  max_ms: 3,
  ...more,
});
const report = (backend: string, ...phases: StorageBenchPhase[]): StorageBenchReport => ({
  backend,
  server: "auth1",
  value_bytes: 1024,
  range_items: 1000,
  phases,
});

describe("core/cli/tctl/storage-bench-report", () => {
  it("is a table with what is normal beside what was measured", () => {
    const text = storageBenchText(report("dir", phase("put"), phase("range", { in_flight: 1 })));
    assert.match(
      text,
      /^Storage dir, from the auth server auth1, with values of 1024 bytes\n\nMeasured +In flight/,
    );
    assert.match(text, /^writes +8 +100 +0 +512 +1\.23 ms +2 ms +3 ms +< 30 ms *$/m);
    assert.match(text, /^range of 1000 +1 +100 +0 +512 items /m);
    assert.doesNotMatch(text, /WARNING/);
  });

  it("warns of a slow sync and says what to do, where a disk is waited for", () => {
    const slow = phase("write_latency", { p50_ms: 12, p99_ms: 20 });
    assert.deepEqual(warnings(report("dir", slow)), [
      "a write waits 12 ms for the disk, which is slow (fsync): put storage.path on a local SSD that nothing else writes to",
    ]);
    assert.match(warnings(report("etcd", slow))[0] ?? "", /give the etcd servers local SSDs/);
    assert.deepEqual(warnings(report("dynamodb", slow)), []);
    assert.deepEqual(warnings(report("dir", phase("write_latency", { p50_ms: 9 }))), []);
  });

  it("names the phases that are slower than normal, and those that failed with the reason", () => {
    const texts = warnings(
      report("dir", phase("get", { p99_ms: 50 }), phase("put", { failed: 3, error: "disk full" })),
    );
    assert.match(texts[0] ?? "", /^3 of writes failed: disk full$/);
    assert.match(texts[1] ?? "", /^slower than normal: reads;/);
  });

  it("says nothing of normal for a backend that it does not know, and shows what is missing as such", () => {
    const bare: StorageBenchPhase = { name: "put", in_flight: 8, count: 0, failed: 0, per_second: 0 };
    const text = storageBenchText(report("constructor", bare));
    assert.match(text, /^writes +8 +0 +0 +0 +- +- +- +- *$/m);
  });

  it("shows no control characters of a server", () => {
    const text = storageBenchText({
      ...report("dir", phase("put", { failed: 1, error: "\u001b[2J" })),
      server: "\u001b[31m",
    });
    assert.doesNotMatch(text, /\u001b/);
  });
});
