import assert from "node:assert/strict";
import { History } from "./history.js";
import { unexplained } from "./linearizability.js";
import { RandomCalls, type CallMix } from "./random-calls.js";
import { bytes, text, type StorageTrial } from "./trial.js";

const FOLDER = "/kit/race";
const KEYS = [`${FOLDER}/a`, `${FOLDER}/b`, `${FOLDER}/c`];
const CALLERS = 6;
const CALLS = 30;

/** Every verb, conditional ones most. */
const ALL_VERBS: CallMix = [
  [14, "create"],
  [10, "put"],
  [8, "update"],
  [10, "updateExpected"],
  [16, "compareAndSwap"],
  [14, "get"],
  [7, "delete"],
  [7, "deleteExpected"],
  [7, "keepAlive"],
  [5, "range"],
  [2, "deleteRange"],
];

/** Deleting and making again, as fast as it goes. */
const REBIRTH: CallMix = [
  [30, "create"],
  [25, "delete"],
  [15, "deleteExpected"],
  [15, "compareAndSwap"],
  [15, "get"],
];

/** Races: what several callers on two handles do at once looks as if it had been done in some order. */
export const raceCases: StorageTrial[] = [
  {
    name: "random calls from two handles are linearizable for each key",
    seeds: 3,
    run: async (trial) => {
      const handles = [trial.storage, await trial.peer()];
      const history = new History();
      const calls = new RandomCalls(trial, history, FOLDER, KEYS, ALL_VERBS);
      await Promise.all(
        Array.from({ length: CALLERS }, (_, n) => calls.make(handles[n % 2] ?? trial.storage, CALLS)),
      );
      checkHistory(history);
    },
  },
  {
    name: "no revision comes again while keys are deleted and made anew",
    seeds: 2,
    run: async (trial) => {
      const handles = [trial.storage, await trial.peer()];
      const history = new History();
      const calls = new RandomCalls(trial, history, FOLDER, KEYS.slice(0, 2), REBIRTH);
      await Promise.all(
        Array.from({ length: CALLERS }, (_, n) => calls.make(handles[n % 2] ?? trial.storage, CALLS)),
      );
      checkHistory(history);
    },
  },
  {
    name: "a write that is refused in a race has written nothing",
    async run(trial) {
      const handles = [trial.storage, await trial.peer()] as const;
      for (let round = 0; round < 20; round++) {
        const key = `${FOLDER}/${round}`;
        const base = await trial.storage.create({ key, value: bytes("base") });
        const won: string[] = [];
        await Promise.all(
          Array.from({ length: 8 }, async (_, n) => {
            const value = `writer ${n}`;
            const handle = handles[n % 2 ? 1 : 0];
            const write =
              n % 4 < 2
                ? handle.update({ key, value: bytes(value) }, base)
                : handle.compareAndSwap({ key, value: bytes(value) }, base);
            await write.then(
              () => won.push(value),
              () => undefined,
            );
          }),
        );
        assert.equal(won.length, 1, `${won.length} writers were told that they had won`);
        assert.equal(text((await trial.storage.get(key)).value), won[0]);
      }
    },
  },
  {
    name: "what a writer was told is what the next reader sees, on either handle",
    async run(trial) {
      const handles = [trial.storage, await trial.peer()] as const;
      for (let n = 0; n < 50; n++) {
        // The same handle reads several times in a row what the other one writes.
        const [writer, reader] = n % 10 < 5 ? handles : ([handles[1], handles[0]] as const);
        const revision = await writer.put({ key: KEYS[0] as string, value: bytes(String(n)) });
        const item = await reader.get(KEYS[0] as string);
        assert.deepEqual([text(item.value), item.revision], [String(n), revision]);
      }
    },
  },
];

function checkHistory(history: History): void {
  for (const steps of history.byKey().values()) {
    const problem = unexplained(steps);
    assert.ok(problem === undefined, problem);
  }
}
