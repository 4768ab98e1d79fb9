import { hasCode, notFound, type Storage } from "@teleport/plugin";
import type { Flaw } from "./flaw.js";

const everybody = new Set<Storage>();

/** Defects of closing, failing and sharing the event loop. */
export const lifeFlaws: Flaw[] = [
  {
    name: "close leaves watches open",
    caughtBy: /life: close ends the watches/,
    spoil: (good) => ({
      async *watch(prefixes, options) {
        yield* good.watch(prefixes, options);
        await new Promise((resolve) => options?.signal?.addEventListener("abort", resolve));
      },
    }),
  },
  {
    name: "a closed storage says not_found",
    caughtBy: /life: after close everything is unavailable/,
    spoil: (good) => ({
      get: (key) =>
        good.get(key).catch(() => {
          throw notFound(key);
        }),
    }),
  },
  {
    name: "writes hold up the event loop",
    caughtBy: /event loop: 1,000 writes/,
    spoil: (good) => ({
      put(item) {
        for (const end = performance.now() + 0.2; performance.now() < end;);
        return good.put(item);
      },
    }),
  },
  {
    name: "an outage reads as not_found",
    caughtBy: /outage: while the server is away every verb is unavailable, never not_found/,
    spoil: (good) => ({
      get: (key) =>
        good.get(key).catch(() => {
          throw notFound(key);
        }),
    }),
  },
  {
    name: "close hangs",
    caughtBy: /life: close may be called again and at once/,
    spoil: () => ({ close: () => new Promise(() => undefined) }),
  },
  {
    name: "close leaves what is under way without an answer",
    caughtBy: /life: writes that are under way at close have happened or are refused/,
    spoil: (good) => ({
      async put(item) {
        await new Promise((resolve) => setImmediate(resolve));
        return good.put(item).catch((error: unknown) => {
          if (hasCode(error, "unavailable")) return new Promise<never>(() => undefined);
          throw error;
        });
      },
    }),
  },
  {
    name: "the first close ends everybody's handles",
    caughtBy: /faults: one handle's close leaves the other alone/,
    spoil(good) {
      everybody.add(good);
      return { close: async () => void (await Promise.all([...everybody].map((handle) => handle.close()))) };
    },
  },
  {
    name: "a watch of a closed storage waits for ever",
    caughtBy: /faults: a watch of a closed storage is unavailable/,
    spoil: (good) => ({
      watch(...args) {
        try {
          return good.watch(...args);
        } catch {
          return { [Symbol.asyncIterator]: () => ({ next: () => new Promise(() => undefined) }) };
        }
      },
    }),
  },
];
