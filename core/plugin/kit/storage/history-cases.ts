import assert from "node:assert/strict";
import { History } from "./history.js";
import { RandomCalls, type CallMix } from "./random-calls.js";
import { bytes, type StorageTrial, type Trial, type WatchProbe } from "./trial.js";
import { eventKey, WatchHistory, type ChangeEvent } from "./watch-history.js";

const FOLDER = "/kit/history";
const KEYS = [`${FOLDER}/a`, `${FOLDER}/b`, `${FOLDER}/c`, `${FOLDER}/d`];
const END = `${FOLDER}/zzz-end`;
const WRITERS = 4;
const CALLS = 40;
const RESUMES = 5;

/** Writes of which each is known by a revision. */
const WRITES: CallMix = [
  [30, "create"],
  [15, "put"],
  [15, "updateExpected"],
  [20, "compareAndSwap"],
  [12, "deleteExpected"],
  [8, "keepAlive"],
];

/** Watch histories: the events of random writers are their acknowledged writes, from wherever one resumes. */
export const historyCases: StorageTrial[] = [
  {
    name: "the events of each key are its acknowledged writes, without gap or repetition",
    seeds: 2,
    async run(trial) {
      const peer = await trial.peer();
      const watches = [await trial.watch([`${FOLDER}/`]), await trial.watch([`${FOLDER}/`], {}, peer)];
      const history = await writeAtRandom(trial, peer);
      await trial.storage.put({ key: END, value: bytes("x") });
      for (const watch of watches) {
        const events = await changes(watch, history.size + 1);
        const problem = history.problemOf(withoutEnd(events));
        assert.ok(problem === undefined, problem);
      }
    },
  },
  {
    name: "resuming from any event yields exactly the rest",
    seeds: 2,
    async run(trial) {
      const peer = await trial.peer();
      const watch = await trial.watch([`${FOLDER}/`]);
      const fromInit = watch.cursor;
      const history = await writeAtRandom(trial, peer);
      const events = await changes(watch, history.size);
      assert.ok(history.problemOf(events) === undefined, history.problemOf(events));
      await trial.storage.put({ key: END, value: bytes("x") });
      const places = Array.from({ length: RESUMES }, () => trial.random.below(events.length));
      for (const place of [-1, ...places, events.length - 1]) {
        const cursor = events[place]?.cursor ?? fromInit;
        const resumed = await trial.watch([`${FOLDER}/`], { cursor }, place % 2 ? peer : trial.storage);
        const rest = events.slice(place + 1);
        const seen = withoutEnd(await changes(resumed, rest.length + 1));
        assert.deepEqual(
          inShort(seen),
          inShort(rest),
          `resumed behind event ${place + 1} of ${events.length}`,
        );
      }
    },
  },
  {
    name: "a watch that is resumed again and again while others write misses nothing",
    seeds: 1,
    async run(trial) {
      const peer = await trial.peer();
      let watch = await trial.watch([`${FOLDER}/`]);
      const writing = writeAtRandom(trial, peer);
      const events: ChangeEvent[] = [];
      const resume = async (): Promise<void> => {
        watch = await trial.watch(
          [`${FOLDER}/`],
          { cursor: watch.cursor },
          events.length % 2 ? peer : trial.storage,
        );
      };
      writing.catch(() => undefined);
      let end = false;
      void writing.then(() => trial.storage.put({ key: END, value: bytes("x") }));
      while (!end) {
        const [event] = await changes(watch, 1);
        assert.ok(event);
        end = eventKey(event) === END;
        events.push(event);
        if (events.length % 7 === 0 && !end) {
          await resume();
        }
      }
      const history = await writing;
      // Keys are ordered each by itself: what is not there yet may come behind the end.
      while (events.length <= history.size) {
        events.push(...(await changes(watch, 1)));
      }
      const problem = history.problemOf(withoutEnd(events));
      assert.ok(problem === undefined, problem);
    },
  },
];

/** Lets several writers on two handles write, and returns what they were told. */
async function writeAtRandom(trial: Trial, peer: Trial["storage"]): Promise<WatchHistory> {
  const history = new History();
  const calls = new RandomCalls(trial, history, FOLDER, KEYS, WRITES);
  await Promise.all(
    Array.from({ length: WRITERS }, (_, n) => calls.make(n % 2 ? peer : trial.storage, CALLS)),
  );
  const writes = history.steps.filter(({ wrote, removed }) => wrote !== undefined || removed !== undefined);
  return new WatchHistory(writes, (read, writtenMs) => trial.isExpiry(read, writtenMs));
}

async function changes(watch: WatchProbe, count: number): Promise<ChangeEvent[]> {
  const events: ChangeEvent[] = [];
  while (events.length < count) {
    const event = await watch.next();
    assert.ok(
      event.type === "put" || event.type === "delete",
      `${event.type} came after ${events.length} changes, although nothing can have been lost`,
    );
    events.push(event);
  }
  return events;
}

function withoutEnd(events: readonly ChangeEvent[]): ChangeEvent[] {
  return events.filter((event) => eventKey(event) !== END);
}

/** Each key's events, in order; the order between keys is free. */
function inShort(events: readonly ChangeEvent[]): Record<string, string[]> {
  const lines: Record<string, string[]> = {};
  for (const event of events) {
    (lines[eventKey(event)] ??= []).push(event.type === "put" ? `put ${event.item.revision}` : "delete");
  }
  return lines;
}
