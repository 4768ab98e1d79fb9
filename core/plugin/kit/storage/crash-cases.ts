import assert from "node:assert/strict";
import { once } from "node:events";
import type { ChildProcess } from "node:child_process";
import { chainValue, type CrashReport, type CrashTask } from "./crash-writer.js";
import {
  bytes,
  collect,
  killed,
  NotApplicable,
  rejectsWith,
  text,
  type StorageTrial,
  type Trial,
  type WatchProbe,
} from "./trial.js";

const FOLDER = "/kit/crash";
const CHAINS = Array.from({ length: 16 }, (_, n) => `${FOLDER}/${String(n).padStart(2, "0")}`);

/** Crashes: a process that writes is killed (SIGKILL), and all that was acknowledged to it is there. */
export const crashCases: StorageTrial[] = [
  {
    name: "what was acknowledged before a kill is there, and nothing but the step under way came after it",
    seeds: 2,
    async run(trial) {
      const peer = await trial.peer();
      const watch = await trial.watch([`${FOLDER}/`]);
      const acknowledged = await writeUntilKilled(trial, 100 + trial.random.below(300));
      for (const storage of [trial.storage, peer, await trial.peer()]) {
        const items = new Map(
          (await collect(storage, rangeOfAll)).map(({ key, value }) => [key, text(value)]),
        );
        for (const key of CHAINS) {
          const last = acknowledged.get(key) ?? -1;
          const found = items.get(key);
          const possible = [last, last + 1].map((n) => (n < 0 ? undefined : chainValue(n)));
          assert.ok(
            possible.includes(found),
            `${key} is ${found ?? "not there"} although step ${last} was the last one acknowledged`,
          );
        }
      }
      await checkWatch(watch, acknowledged);
    },
  },
  {
    name: "the survivors write on after a kill",
    async run(trial) {
      const peer = await trial.peer();
      await writeUntilKilled(trial, 50);
      const key = `${FOLDER}/after`;
      const watch = await trial.watch([key], {}, peer);
      const revision = await trial.within(
        trial.storage.create({ key, value: bytes("1") }),
        "the write after the kill was not answered",
      );
      await trial.within(
        peer.compareAndSwap({ key, value: bytes("2") }, revision),
        "the write of the other handle after the kill was not answered",
      );
      assert.deepEqual(await watch.lines(2), [`put ${key} 1`, `put ${key} 2`]);
    },
  },
  {
    name: "the lease of a killed process ends at its time, not before",
    async run(trial) {
      if (trial.hasManualClock) {
        throw new NotApplicable(
          "the clock of the storage is moved by hand, which another process does not see",
        );
      }
      const key = `${FOLDER}/lease`;
      const child = await started(trial);
      const { expires, waitMs } = trial.soon();
      const done = nextReport(child);
      order(child, { task: "lease", key, expiresMs: expires.getTime() });
      const report = await trial.within(done, "the lease was not acknowledged");
      assert.equal(report.type, "done", JSON.stringify(report));
      await killed(child);
      const aboutTimeMs = expires.getTime() - trial.storage.capabilities.ttlGranularityMs;
      const attempt = trial.storage.create({ key, value: bytes("mine") });
      if (
        await attempt.then(
          () => true,
          () => false,
        )
      ) {
        assert.ok(trial.nowMs() >= aboutTimeMs, "the lease ended with its holder");
        return;
      }
      await rejectsWith("already_exists", attempt);
      await trial.pass(waitMs);
      await trial.storage.create({ key, value: bytes("mine") });
    },
  },
];

const rangeOfAll = { start: `${FOLDER}/`, end: `${FOLDER}0` };

/** Lets a process write chains and kills it after so many answers. Returns the last acknowledged step of each chain. */
async function writeUntilKilled(trial: Trial, answers: number): Promise<ReadonlyMap<string, number>> {
  const acknowledged = new Map<string, number>();
  const child = await started(trial);
  let left = answers;
  const enough = new Promise<void>((resolve, reject) => {
    child.on("message", (message: CrashReport) => {
      if (message.type === "failed") {
        reject(new assert.AssertionError({ message: `the writing process failed: ${message.message}` }));
      } else if (message.type === "done") {
        acknowledged.set(message.key, message.n);
        if (--left === 0) resolve();
      }
    });
    child.once("exit", (code) =>
      reject(new assert.AssertionError({ message: `the writing process ended: ${code}` })),
    );
  });
  enough.catch(() => undefined);
  // What it had said before it died counts, also what is read later.
  const silent = once(child, "disconnect");
  order(child, { task: "chains", keys: CHAINS });
  await trial.within(enough, `${answers} writes were not acknowledged`);
  await killed(child);
  await silent;
  return acknowledged;
}

/** The events of each chain are its steps, up to the last acknowledged one or the one after it. */
async function checkWatch(watch: WatchProbe, acknowledged: ReadonlyMap<string, number>): Promise<void> {
  const next = new Map<string, number>();
  const isBehind = (): boolean => [...acknowledged].some(([key, last]) => (next.get(key) ?? 0) <= last);
  while (isBehind()) {
    const line = await watch.line();
    const [verb, key = ""] = line.split(" ");
    const n = next.get(key) ?? 0;
    const value = chainValue(n);
    assert.equal(
      line,
      value === undefined ? `delete ${key}` : `put ${key} ${value}`,
      `step ${n} of ${key}, ${verb}`,
    );
    next.set(key, n + 1);
  }
}

async function started(trial: Trial): Promise<ChildProcess> {
  const child = trial.child();
  const gone = once(child, "exit").then(() => assert.fail("the writing process ended before it was ready"));
  gone.catch(() => undefined);
  const report = await trial.within(
    Promise.race([nextReport(child), gone]),
    "the writing process was not ready",
  );
  assert.equal(report.type, "ready", JSON.stringify(report));
  return child;
}

async function nextReport(child: ChildProcess): Promise<CrashReport> {
  const [report] = (await once(child, "message")) as [CrashReport];
  return report;
}

function order(child: ChildProcess, task: CrashTask): void {
  child.send(task);
}
