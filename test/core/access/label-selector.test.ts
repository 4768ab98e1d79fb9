import assert from "node:assert/strict";
import { compileLabelSelector, type LabelSelectorSource } from "../../../core/access/label-selector.js";
import type { Traits } from "../../../core/resources/user.js";

const fits = (source: LabelSelectorSource, labels: Record<string, string>, traits: Traits = {}): boolean =>
  compileLabelSelector(source, traits, false).fits(labels);
/** Whether a selector could not be evaluated: then, and only then, the answer is the one given for that case. */
const isUnclear = (
  source: LabelSelectorSource,
  labels: Record<string, string>,
  traits: Traits = {},
): boolean => compileLabelSelector(source, traits, true).fits(labels) && !fits(source, labels, traits);

describe("label selector", () => {
  it("fits everything by *: *, and nothing by no keys", () => {
    assert.equal(fits({ "*": "*" }, {}), true);
    assert.equal(fits({ "*": ["*"] }, { env: "prod" }), true);
    assert.equal(fits({}, { env: "prod" }), false);
    assert.equal(fits({ "*": [] }, { env: "prod" }), false);
  });

  it("needs every key and one of its values", () => {
    const source = { env: ["dev", "test"], tier: "*" };
    assert.equal(fits(source, { env: "test", tier: "db" }), true);
    assert.equal(fits(source, { env: "prod", tier: "db" }), false);
    assert.equal(fits(source, { env: "test" }), false);
    assert.equal(fits({ env: [] }, { env: "" }), false);
  });

  it("does not find labels on the prototype", () => {
    assert.equal(fits({ constructor: "*" }, {}), false);
    assert.equal(fits({ toString: "*" }, {}), false);
  });

  it("matches globs and anchored expressions, and nothing else specially", () => {
    const cases: [string, string, boolean][] = [
      ["web-*", "web-1", true],
      ["web-*", "db-web-1", false],
      ["*.example.*", "a.example.com", true],
      ["a*a", "a", false],
      ["a*b*a", "aba", true],
      ["", "", true],
      ["w.b", "web", false],
      ["^web-[0-9]+$", "web-12", true],
      ["^web-[0-9]+$", "web-12x", false],
      ["^web", "web", false],
      ["^web", "^web", true],
    ];
    for (const [pattern, value, expected] of cases) {
      assert.equal(fits({ name: pattern }, { name: value }), expected, `${pattern} on ${value}`);
    }
  });

  it("expands templates in keys and values", () => {
    const traits = { team: ["a", "b"], label: ["env"] };
    assert.equal(fits({ team: "{{external.team}}" }, { team: "b" }, traits), true);
    assert.equal(fits({ team: "x-{{external.team}}" }, { team: "x-b" }, traits), true);
    assert.equal(fits({ "{{external.label}}": "prod" }, { env: "prod" }, traits), true);
  });

  it("fits nothing by a trait that the user lacks, be it the only value or the key", () => {
    assert.equal(fits({ team: "{{external.none}}" }, { team: "" }), false);
    assert.equal(fits({ "{{external.none}}": "*" }, { "": "x" }), false);
    assert.equal(fits({ "{{external.none}}": "*", "env": "*" }, { env: "x" }), false);
    assert.equal(isUnclear({ team: "{{external.none}}" }, { team: "a" }), false);
  });

  it("answers as told where it cannot be evaluated", () => {
    assert.equal(isUnclear({ env: "^($" }, { env: "x" }), true);
    assert.equal(isUnclear({ env: "{{nonsense}}" }, { env: "x" }), true);
    assert.equal(isUnclear({ "*": "prod" }, { env: "prod" }), true);
    assert.equal(isUnclear({ env: "^a*$" }, { env: "a".repeat(2000) }), true);
    assert.equal(isUnclear({ env: "prod" }, { env: "dev" }), false);
  });
});
