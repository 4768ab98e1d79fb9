import { compareFailed } from "@teleport/plugin";
import type { Flaw } from "./flaw.js";

/** How long a write stays in memory. */
const LATE_MS = 200;

/** Defects that only a crash shows. */
export const crashFlaws: Flaw[] = [
  {
    name: "writes are acknowledged before they are durable",
    caughtBy: /crash: what was acknowledged before a kill is there/,
    spoil(good) {
      const revisions = new Map<string, string>();
      let count = 0;
      const later = (write: () => Promise<unknown>): void =>
        void setTimeout(() => void write().catch(() => undefined), LATE_MS);
      const note = (key: string): string => {
        const revision = `early ${++count}`;
        revisions.set(key, revision);
        return revision;
      };
      return {
        async create(item) {
          later(() => good.put(item));
          return note(item.key);
        },
        async compareAndSwap(item, expected) {
          if (revisions.get(item.key) !== expected) throw compareFailed("changed");
          later(() => good.put(item));
          return note(item.key);
        },
        async delete(key) {
          revisions.delete(key);
          later(() => good.delete(key));
        },
      };
    },
  },
];
