import assert from "node:assert/strict";
import { Generation } from "../../../core/di/generation.js";
import { provide, provideValue, type Provider } from "../../../core/di/provider.js";
import { token } from "../../../core/di/token.js";

const base = token<number>("base");
const top = token<number>("top");

/** A provider that writes what happens to it into `log`. */
function observed(log: string[], name: "base" | "top", fail?: "create" | "close"): Provider {
  return provide({
    token: name === "base" ? base : top,
    needs: name === "base" ? {} : { base },
    create() {
      if (fail === "create") throw new Error(`${name} does not start`);
      log.push(`create ${name}`);
      return 1;
    },
    async drain() {
      log.push(`drain ${name}`);
    },
    async close() {
      log.push(`close ${name}`);
      if (fail === "close") throw new Error(`${name} does not close`);
    },
  });
}

describe("di: generation", () => {
  it("hands dependencies over and resolves by token", async () => {
    const sum = provide({ token: top, needs: { base }, create: async (needs) => needs.base + 1 });
    const generation = await Generation.build([sum, provideValue(base, 41)]);
    assert.equal(generation.get(top), 42);
  });

  it("drains and closes in reverse order, once", async () => {
    const log: string[] = [];
    const generation = await Generation.build([observed(log, "top"), observed(log, "base")]);
    await generation.drain();
    await Promise.all([generation.close(), generation.close()]);
    assert.deepEqual(log, [
      "create base",
      "create top",
      "drain top",
      "drain base",
      "close top",
      "close base",
    ]);
  });

  it("closes what was built when a later provider fails", async () => {
    const log: string[] = [];
    await assert.rejects(
      Generation.build([observed(log, "base"), observed(log, "top", "create")]),
      /top does not start/,
    );
    assert.deepEqual(log, ["create base", "close base"]);
  });

  it("closes the rest when one provider fails to close, and says so", async () => {
    const log: string[] = [];
    const generation = await Generation.build([observed(log, "base"), observed(log, "top", "close")]);
    await assert.rejects(generation.close(), AggregateError);
    assert.deepEqual(log.slice(-2), ["close top", "close base"]);
  });

  it("holds undefined like any other value", async () => {
    const optional = token<string | undefined>("optional");
    const user = provide({ token: top, needs: { optional }, create: (needs) => (needs.optional ? 1 : 2) });
    assert.equal((await Generation.build([provideValue(optional, undefined), user])).get(top), 2);
  });

  it("keeps generations apart: one does not see the instances of another", async () => {
    const first = await Generation.build([provideValue(base, 1)]);
    const second = await Generation.build([provideValue(base, 2)]);
    assert.equal(first.get(base), 1);
    assert.equal(second.get(base), 2);
  });
});
