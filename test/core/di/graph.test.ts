import assert from "node:assert/strict";
import { orderProviders } from "../../../core/di/graph.js";
import { provide, provideValue, type Provider } from "../../../core/di/provider.js";
import { token, type Token } from "../../../core/di/token.js";

const a = token<string>("a");
const b = token<string>("b");
const c = token<string>("c");

const needing = (made: Token<string>, ...needs: Token<string>[]): Provider =>
  provide({
    token: made,
    needs: Object.fromEntries(needs.map((need) => [need.name, need])),
    create: () => made.name,
  });

describe("di: provider graph", () => {
  it("orders providers behind what they need", () => {
    const ordered = orderProviders([needing(a, b, c), needing(b, c), provideValue(c, "c")]);
    assert.deepEqual(
      ordered.map((provider) => provider.token.name),
      ["c", "b", "a"],
    );
  });

  it("names a cycle by its path", () => {
    assert.throws(
      () => orderProviders([needing(a, b), needing(b, c), needing(c, a)]),
      /a → b → c → a is a cycle/,
    );
  });

  it("names the path to a missing provider", () => {
    assert.throws(() => orderProviders([needing(a, b), needing(b, c)]), /nothing provides a → b → c/);
  });

  it("names a token that is provided twice", () => {
    assert.throws(() => orderProviders([provideValue(a, "1"), provideValue(a, "2")]), /a is provided twice/);
  });

  it("reports all faults of a graph at once", () => {
    assert.throws(
      () => orderProviders([needing(a, a), needing(b, c)]),
      (error: Error) =>
        /a → a is a cycle/.test(error.message) && /nothing provides b → c/.test(error.message),
    );
  });
});
