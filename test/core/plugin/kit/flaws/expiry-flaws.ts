import { setImmediate as turn } from "node:timers/promises";
import { alreadyExists, hasCode, type NewItem } from "@teleport/plugin";
import type { Flaw } from "./flaw.js";

/** Defects of expiry and leases. */
export const expiryFlaws: Flaw[] = [
  {
    name: "expired items stay until a sweep that never comes",
    caughtBy: /expiry: an item is there before its time and gone after it/,
    spoil: (good) => ({ put: ({ key, value }) => good.put({ key, value }) }),
  },
  {
    name: "an expired item blocks create",
    caughtBy: /expiry: create succeeds over an expired item/,
    spoil(good) {
      const written = new Set<string>();
      return {
        put: (item) => (written.add(item.key), good.put(item)),
        async create(item) {
          if (written.has(item.key)) throw alreadyExists(item.key);
          return good.create(item);
        },
      };
    },
  },
  {
    name: "a write without expiry keeps the old one",
    caughtBy: /expiry: a write without expiry takes an earlier one away/,
    spoil: (good) => ({
      async update(item, expected) {
        const { expires } = await good.get(item.key);
        return good.update({ ...(expires && { expires }), ...item }, expected);
      },
    }),
  },
  {
    name: "items end at half their time",
    caughtBy: /expiry: an item ends at its time, with the stated precision/,
    spoil: (good, clock) => ({
      put({ expires, ...item }) {
        if (!expires) return good.put(item);
        const nowMs = clock.now().getTime();
        return good.put({ ...item, expires: new Date(nowMs + (expires.getTime() - nowMs) / 2) });
      },
    }),
  },
  {
    name: "compareAndSwap brings an expired item back",
    caughtBy: /expiry: an expired item is gone for every conditional write/,
    spoil(good) {
      const last = new Map<string, string>();
      return {
        async put(item) {
          const revision = await good.put(item);
          last.set(item.key, revision);
          return revision;
        },
        compareAndSwap: (item, expected) =>
          last.get(item.key) === expected ? good.put(item) : good.compareAndSwap(item, expected),
      };
    },
  },
  {
    name: "reading an expired item removes whatever has its key by then",
    caughtBy: /expiry: reading an expired item never removes the one that was made in its place/,
    spoil: (good) => ({
      get: (key) =>
        good.get(key).catch(async (error: unknown) => {
          await turn();
          await good.delete(key).catch(() => undefined);
          throw error;
        }),
      async create(item) {
        await turn();
        return good.create(item);
      },
    }),
  },
  {
    name: "deleteRange counts what has expired",
    caughtBy: /expiry: deleteRange does not count expired items/,
    spoil(good) {
      const written = new Set<string>();
      return {
        put: (item) => (written.add(item.key), good.put(item)),
        async deleteRange(range) {
          await good.deleteRange(range);
          return written.size;
        },
      };
    },
  },
  {
    name: "keepAlive takes the value away",
    caughtBy: /expiry: keepAlive prolongs and keeps the value/,
    spoil: (good) => ({
      keepAlive: (key, expires) => good.update({ key, value: new Uint8Array(), expires }),
    }),
  },
  {
    name: "keepAlive writes the value that it read",
    caughtBy: /leases: a renewal and a write at once lose neither the value nor the lease/,
    spoil: (good) => ({
      async keepAlive(key, expires) {
        const { value } = await good.get(key);
        await turn();
        return good.put({ key, value, expires });
      },
    }),
  },
  {
    name: "keepAlive revives a lease that has ended",
    caughtBy: /leases: a lease lives on while it is renewed, and ends when nobody renews it/,
    spoil(good) {
      const ended = new Map<string, NewItem>();
      return {
        create: (item) => (ended.set(item.key, item), good.create(item)),
        keepAlive: (key, expires) =>
          good.keepAlive(key, expires).catch((error: unknown) => {
            const item = ended.get(key);
            if (!item || !hasCode(error, "not_found")) throw error;
            return good.put({ ...item, expires });
          }),
      };
    },
  },
];
