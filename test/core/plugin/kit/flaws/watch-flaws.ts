import { hasCode, type StorageEvent } from "@teleport/plugin";
import { changed, filtered, type Flaw } from "./flaw.js";

/** Defects of watches. */
export const watchFlaws: Flaw[] = [
  {
    name: "a watch starts when it is first read",
    caughtBy: /watch: a watch sees nothing from before its start, and all from right after it/,
    spoil: (good) => ({
      async *watch(prefixes, options) {
        yield* good.watch(prefixes, options);
      },
    }),
  },
  {
    name: "a watch replays the event before its start",
    caughtBy: /watch: a watch sees nothing from before its start/,
    spoil(good) {
      let before: string | undefined;
      return {
        async put(item) {
          for await (const init of good.watch([])) {
            before = init.cursor;
            break;
          }
          return good.put(item);
        },
        watch: (prefixes, options) => good.watch(prefixes, { cursor: before, ...options }),
      };
    },
  },
  {
    name: "a watch forgets deletes",
    caughtBy: /watch: a watch yields every kind of change/,
    spoil: (good) => ({
      watch: (...args) => filtered(good.watch(...args), (event) => event.type !== "delete"),
    }),
  },
  {
    name: "a watch yields every change twice",
    caughtBy: /watch: a watch yields its prefixes only, and each change once/,
    spoil: (good) => ({
      watch: (...args) => repeated(good.watch(...args)),
    }),
  },
  {
    name: "a resumed watch starts now",
    caughtBy: /watch: a resumed watch yields exactly what came behind its cursor/,
    spoil: (good) => ({
      watch: (prefixes, { signal } = {}) => good.watch(prefixes, { signal }),
    }),
  },
  {
    name: "a slow consumer loses changes without a reset",
    caughtBy: /watch: a consumer that is away for 6,000 changes/,
    spoil: (good) => ({
      watch: (...args) => filtered(good.watch(...args), (event) => event.type !== "reset"),
    }),
  },
  {
    name: "a resumed watch leaves out the first change",
    caughtBy: /histories: resuming from any event yields exactly the rest \(seed 1\)/,
    spoil: (good) => ({
      watch(prefixes, options) {
        let skip = options?.cursor === undefined ? 0 : 1;
        return filtered(good.watch(prefixes, options), ({ type }) => type === "init" || skip-- <= 0);
      },
    }),
  },
  {
    name: "a resumed watch repeats the last change",
    caughtBy: /histories: a watch that is resumed again and again while others write misses nothing/,
    spoil: (good) => ({
      watch(prefixes, { cursor, ...options } = {}) {
        const before = cursor === undefined ? undefined : String(Math.max(Number(cursor) - 1, 0));
        return good.watch(prefixes, { ...options, ...(before !== undefined && { cursor: before }) });
      },
    }),
  },
  {
    name: "events of one key come out of order",
    caughtBy:
      /histories: the events of each key are its acknowledged writes, without gap or repetition \(seed 1\)/,
    spoil: (good) => ({ watch: (...args) => swapped(good.watch(...args)) }),
  },
  {
    name: "an event shows the item of now, not of then",
    caughtBy:
      /histories: the events of each key are its acknowledged writes, without gap or repetition \(seed 1\)/,
    spoil: (good) => ({
      watch: (...args) =>
        changed(good.watch(...args), async (event) => {
          if (event.type !== "put") return event;
          const item = await good.get(event.item.key).catch(() => event.item);
          return { ...event, item };
        }),
    }),
  },
  {
    name: "a refused create has an event",
    caughtBy: /watch: writes that fail are not seen/,
    spoil: (good) => ({
      create: (item) =>
        good.create(item).catch(async (error: unknown) => {
          if (hasCode(error, "already_exists")) await good.put(await good.get(item.key));
          throw error;
        }),
    }),
  },
  {
    name: "an empty value has no event",
    caughtBy: /watch: an empty value is seen/,
    spoil: (good) => ({
      watch: (...args) =>
        filtered(good.watch(...args), (event) => event.type !== "put" || event.item.value.length > 0),
    }),
  },
  {
    name: "a cursor that means nothing is taken for now",
    caughtBy: /watch: a cursor that means nothing gets a reset, and the watch goes on/,
    spoil: (good) => ({
      watch(prefixes, options) {
        const cursor = Number(options?.cursor) < 1e9 ? options?.cursor : undefined;
        return good.watch(prefixes, { signal: options?.signal, cursor });
      },
    }),
  },
  {
    name: "a watch takes names that start alike for its own",
    caughtBy: /watch: a watch yields its prefixes only, and each change once/,
    spoil: (good) => ({
      watch: (prefixes, options) =>
        good.watch(
          prefixes.map((prefix) => prefix.replace(/\/$/, "")),
          options,
        ),
    }),
  },
];

async function* repeated(events: AsyncIterable<StorageEvent>): AsyncIterable<StorageEvent> {
  for await (const event of events) {
    yield event;
    if (event.type === "put") yield event;
  }
}

/** Every fifth event changes places with the one behind it. */
async function* swapped(events: AsyncIterable<StorageEvent>): AsyncIterable<StorageEvent> {
  let held: StorageEvent | undefined;
  let count = 0;
  for await (const event of events) {
    if (held) {
      yield event;
      yield held;
      held = undefined;
    } else if (event.type !== "init" && ++count % 5 === 0) {
      held = event;
    } else {
      yield event;
    }
  }
}
