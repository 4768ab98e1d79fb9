import assert from "node:assert/strict";
import { expandTemplate } from "../../../core/access/template.js";
import { hasCode } from "../../../core/errors/error.js";

const TRAITS = {
  "logins": ["root", "dev"],
  "team": ["a", "", "b"],
  "none": null,
  "with space": ["x"],
  "email": ["Alice Smith <alice@example.com>", "bob@example.com", "nobody"],
};
const expand = (text: string): string[] => expandTemplate(text, TRAITS);

describe("template", () => {
  it("leaves texts without expression alone", () => {
    for (const text of ["", "root", "^a{2}$", "{x}", " spaced "]) {
      assert.deepEqual(expand(text), [text]);
    }
  });

  it("gives one result for each value that is not empty", () => {
    assert.deepEqual(expand("{{internal.logins}}"), ["root", "dev"]);
    assert.deepEqual(expand("{{ external.team }}"), ["a", "b"]);
    assert.deepEqual(expand("x-{{external.team}}-y"), ["x-a-y", "x-b-y"]);
    assert.deepEqual(expand('{{external["with space"]}}'), ["x"]);
    assert.deepEqual(expand("{{email.local(external.email)}}"), ["alice", "bob"]);
    assert.deepEqual(expand("{{ email.local( external.email ) }}"), ["alice", "bob"]);
  });

  it("gives nothing for a trait that is missing or null", () => {
    assert.deepEqual(expand("{{external.missing}}"), []);
    assert.deepEqual(expand("{{external.none}}"), []);
    assert.deepEqual(expand("{{external.constructor}}"), []);
  });

  it("refuses what it cannot read", () => {
    for (const text of [
      "{{",
      "}}",
      "{{}}",
      "{{logins}}",
      "{{other.logins}}",
      "{{internal.team}}",
      "{{external.a}}{{external.b}}",
      "{{external.}}",
      "{{email.local(logins)}}",
      "{{f(external.a)}}",
    ]) {
      assert.throws(
        () => expand(text),
        (error) => hasCode(error, "bad_parameter"),
        text,
      );
    }
  });

  it("reads any text in time in proportion to its length", () => {
    const blank = " ".repeat(20_000);
    for (const text of [`{{${blank}`, `{{${blank}x${blank}}{`, `{{email.local(${blank}x${blank}}}`]) {
      const start = process.hrtime.bigint();
      assert.throws(() => expand(text), { code: "bad_parameter" });
      assert.ok(process.hrtime.bigint() - start < 1_000_000_000n, "it took more than a second");
    }
  });
});
