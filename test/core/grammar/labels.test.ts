import assert from "node:assert/strict";
import { parseLabels } from "../../../core/grammar/labels.js";

describe("parseLabels", () => {
  const cases: [string, Record<string, string>][] = [
    ["", {}],
    ["k=v", { k: "v" }],
    ['a=b; c="d e"', { a: "b", c: "d e" }],
    ['a="x,y;z=1",b=2,', { a: "x,y;z=1", b: "2" }],
    [' "key one" = v ', { "key one": "v" }],
    ['up=[1h:/bin/date "+%Y,%m"]', { up: '[1h:/bin/date "+%Y,%m"]' }],
  ];
  for (const [spec, labels] of cases) {
    it(`reads '${spec}'`, () => assert.deepEqual(parseLabels(spec), labels));
  }
  it("keeps a key that names the prototype as an ordinary one", () => {
    assert.deepEqual(Object.entries(parseLabels("__proto__=x")), [["__proto__", "x"]]);
  });
  for (const spec of ["k", "k=", "=v", "a=b=c", 'a="b', "a,b=c"]) {
    it(`refuses '${spec}'`, () => {
      assert.throws(() => parseLabels(spec), {
        code: "bad_parameter",
        message: `invalid label spec: '${spec}', should be 'key=value'`,
      });
    });
  }
  it("refuses a key that is given twice", () => {
    assert.throws(() => parseLabels("a=1,a=2"), { code: "bad_parameter", message: /'a' is given twice/ });
  });
});
