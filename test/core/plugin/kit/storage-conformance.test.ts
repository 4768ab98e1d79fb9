import assert from "node:assert/strict";
import { fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import { ManualClock } from "../../../../core/plugin/kit/manual-clock.js";
import { runCases } from "../../../../core/plugin/kit/run-cases.js";
import {
  CONFORMANCE_GROUPS,
  storageConformance,
  type ConformanceCase,
  type StorageFixture,
} from "../../../../core/plugin/kit/storage-conformance.js";
import { openDirStorage } from "../../../../plugins/backend-dir/index.js";
import { temporaryFolder } from "../../../kit/paths.js";
import { crashFlaws } from "./flaws/crash-flaws.js";
import { allFlaws } from "./flaws/all-flaws.js";
import { flawedStorage, type Flaw } from "./flaws/flaw.js";
import { SharedMemory } from "./shared-memory.js";

const writer = fileURLToPath(new URL("flawed-writer.js", import.meta.url));

/** A store in memory whose handles all have the flaw, if one is given. */
async function inMemory(flaw?: Flaw): Promise<StorageFixture> {
  const clock = new ManualClock();
  const store = new SharedMemory(clock);
  const open = () => (flaw ? flawedStorage(flaw, store.open(), clock) : store.open());
  return {
    storage: open(),
    clock,
    peer: async () => open(),
    outage: (during) => store.outage(during),
  };
}

/** A store on disk that a flawed process writes to. */
async function onDisk(flaw: Flaw): Promise<StorageFixture> {
  const { folder, remove } = await temporaryFolder();
  const open = () => openDirStorage({ directory: `${folder}/backend` });
  return {
    storage: await open(),
    peer: open,
    child: () => fork(writer, [folder, flaw.name]),
    dispose: remove,
  };
}

describe("core/plugin/kit/storage-conformance", () => {
  it("names every case once", () => {
    const names = storageConformance(() => Promise.reject(new Error("not run")), {
      crash: true,
      outage: true,
    }).map(({ name }) => name);
    assert.equal(new Set(names).size, names.length);
  });

  it("has a case that finds each flaw, and each flaw once", () => {
    assert.ok(allFlaws.length >= 50, `${allFlaws.length} flaws`);
    assert.equal(new Set(allFlaws.map(({ name }) => name)).size, allFlaws.length);
  });

  it("counts seeds on from the one given, and takes the wanted groups only", () => {
    const cases = storageConformance(() => inMemory(), { seed: 40, groups: ["races", "crash"] });
    assert.deepEqual(
      new Set(cases.map(({ group }) => group)),
      new Set(["races"]),
      "crash cases need their option",
    );
    assert.deepEqual(
      cases.flatMap(({ seed }) => (seed === undefined ? [] : [seed])),
      [40, 41, 42, 40, 41],
    );
    assert.ok(cases[0]?.name.endsWith("(seed 40)"));
  });

  it("passes a storage without flaw, with several handles and outages, whatever the seed", async function () {
    this.timeout(60_000);
    const failed: string[] = [];
    for (const seed of [1, 1_000, 2_000_000_000]) {
      const cases = storageConformance(() => inMemory(), {
        outage: true,
        seed,
        ...(seed !== 1 && { groups: ["histories", "races", "faults"] }),
      });
      await runCases(cases, {
        onOutcome: ({ name }, outcome) => {
          if (outcome.status === "failed") failed.push(`${name}: ${String(outcome.error)}`);
        },
      });
    }
    assert.deepEqual(failed, []);
  });

  for (const flaw of allFlaws) {
    it(`finds: ${flaw.name}`, async function () {
      this.timeout(30_000);
      const crash = crashFlaws.includes(flaw);
      const cases = storageConformance(() => (crash ? onDisk(flaw) : inMemory(flaw)), {
        patienceMs: crash ? 5000 : 200,
        caseTimeoutMs: 10_000,
        crash,
        outage: true,
      }).filter(({ name }) => flaw.caughtBy.test(name));
      assert.ok(cases.length > 0, "no case is named so");
      const outcome = await (cases[0] as ConformanceCase).outcome();
      assert.equal(outcome.status, "failed");
      const error = outcome.status === "failed" ? outcome.error : undefined;
      assert.match((error as Error).name, /^(AssertionError|CodedError)$/, String(error));
    });
  }

  it("has no group without cases", () => {
    const cases = storageConformance(() => inMemory(), { crash: true, outage: true });
    assert.deepEqual([...new Set(cases.map(({ group }) => group))], CONFORMANCE_GROUPS);
  });
});
