import assert from "node:assert/strict";
import { capabilityMatrix } from "../../../../core/plugin/kit/capability-matrix.js";
import { runCases } from "../../../../core/plugin/kit/run-cases.js";
import type { CaseOutcome, ConformanceCase } from "../../../../core/plugin/kit/storage-conformance.js";

const PASSED: CaseOutcome = { status: "passed" };

function testCase(name: string, work: () => Promise<CaseOutcome>, more: Partial<ConformanceCase> = {}) {
  const { waits = false, proves = [] } = more;
  const run = async (): Promise<void> => void (await work());
  return { name, group: "items", title: name, waits, proves, run, outcome: work } as const;
}

describe("core/plugin/kit/run-cases", () => {
  it("runs waiting cases together and first, the others one by one, in order", async () => {
    let open = 0;
    let most = 0;
    const order: string[] = [];
    const work = async (): Promise<CaseOutcome> => {
      most = Math.max(most, ++open);
      await new Promise((resolve) => setImmediate(resolve));
      open--;
      return PASSED;
    };
    const cases = ["a", "b", "c", "d"].map((name) =>
      testCase(name, work, { waits: name === "b" || name === "d" }),
    );
    await runCases(cases, { onOutcome: ({ name }) => order.push(name) });
    assert.equal(most, 2);
    assert.deepEqual(order.slice(0, 2).sort(), ["b", "d"]);
    assert.deepEqual(order.slice(2), ["a", "c"]);
  });

  it("leaves out what has not begun when it is ended", async () => {
    const stop = new AbortController();
    const order: string[] = [];
    const cases = ["a", "b", "c"].map((name) =>
      testCase(name, async () => {
        if (name === "b") stop.abort();
        return PASSED;
      }),
    );
    await runCases(cases, { signal: stop.signal, onOutcome: ({ name }) => order.push(name) });
    assert.deepEqual(order, ["a", "b"]);
  });

  it("proves a capability by cases that ran, all of which passed", () => {
    const capabilities = {
      atomicWrite: false,
      ttl: "swept",
      ttlGranularityMs: 1,
      watch: "push",
      maxKeyBytes: 10,
      maxValueBytes: 20,
    } as const;
    const about = (proves: ConformanceCase["proves"], outcome: CaseOutcome) => ({
      testCase: testCase("x", async () => outcome, { proves }),
      outcome,
    });
    const failed: CaseOutcome = { status: "failed", error: new Error("no") };
    const rows = capabilityMatrix(capabilities, [
      about(["ttl", "maxKeyBytes"], PASSED),
      about(["ttl"], failed),
      about(["watch"], { status: "skipped", reason: "not here" }),
    ]);
    assert.deepEqual(
      rows.map(({ capability, proven }) => [capability, proven]),
      [
        ["atomicWrite", "untested"],
        ["ttl", "no"],
        ["ttlGranularityMs", "untested"],
        ["watch", "untested"],
        ["maxKeyBytes", "yes"],
        ["maxValueBytes", "untested"],
      ],
    );
    assert.equal(rows.find(({ capability }) => capability === "maxKeyBytes")?.stated, 10);
  });
});
