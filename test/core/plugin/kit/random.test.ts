import assert from "node:assert/strict";
import { Random } from "../../../../core/plugin/kit/random.js";

describe("core/plugin/kit/random", () => {
  const numbers = (seed: number): number[] => {
    const random = new Random(seed);
    return Array.from({ length: 1000 }, () => random.below(10));
  };

  it("repeats itself by the seed, and differs by it", () => {
    assert.deepEqual(numbers(7), numbers(7));
    assert.notDeepEqual(numbers(7), numbers(8));
  });

  it("gives every choice its share", () => {
    const counts = new Map<number, number>();
    for (const n of numbers(1)) counts.set(n, (counts.get(n) ?? 0) + 1);
    assert.equal(counts.size, 10);
    for (const count of counts.values()) assert.ok(count > 50 && count < 150, `${count} of 1000`);
    const random = new Random(1);
    const picks = Array.from({ length: 1000 }, () =>
      random.weighted([
        [9, "often"],
        [1, "seldom"],
      ]),
    );
    const seldom = picks.filter((pick) => pick === "seldom").length;
    assert.ok(seldom > 50 && seldom < 150, `${seldom} of 1000`);
    assert.ok(["a", "b"].includes(random.pick(["a", "b"])));
  });
});
