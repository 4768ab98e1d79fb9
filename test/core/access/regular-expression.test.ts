import assert from "node:assert/strict";
import fc from "fast-check";
import { compileRegularExpression } from "../../../core/access/regular-expression.js";
import { hasCode } from "../../../core/errors/error.js";

const matches = (source: string, subject: string): boolean => compileRegularExpression(source).test(subject);

describe("regular expression", () => {
  it("agrees with the engine of JavaScript wherever both have the syntax", () => {
    const atom = fc.constantFrom(
      "a",
      "b",
      "c",
      ".",
      "[ab]",
      "[^a]",
      "\\d",
      "\\w",
      "\\S",
      "\\b",
      "^",
      "$",
      "\\.",
      "(?:)",
      "[a-c1-]",
    );
    const { expression } = fc.letrec<{ expression: string; repeated: string }>((tie) => ({
      expression: fc.oneof(
        { depthSize: "small", withCrossShrink: true },
        atom,
        fc.tuple(tie("expression"), tie("expression")).map(([x, y]) => x + y),
        fc.tuple(tie("expression"), tie("expression")).map(([x, y]) => `(${x}|${y})`),
        tie("repeated"),
      ),
      repeated: fc
        .tuple(tie("expression"), fc.constantFrom("*", "+", "?", "*?", "{2}", "{0,2}", "{1,}"))
        .map(([x, suffix]) => `(?:${x})${suffix}`),
    }));
    fc.assert(
      fc.property(
        expression,
        fc.string({ unit: fc.constantFrom("a", "b", "c", "1", ".", " ", "-"), maxLength: 8 }),
        (source, subject) => {
          assert.equal(
            matches(source, subject),
            new RegExp(source).test(subject),
            `${source} on ${JSON.stringify(subject)}`,
          );
        },
      ),
      { numRuns: 2000 },
    );
  });

  it("understands what Go has and JavaScript has not", () => {
    assert.equal(matches("^(?i)WEB$", "web"), true);
    assert.equal(matches("^(?i:w)EB$", "wEB"), true);
    assert.equal(matches("^(?i:w)EB$", "web"), false);
    assert.equal(matches("^(?P<name>a+)$", "aaa"), true);
    assert.equal(matches("\\Aab\\z", "ab"), true);
    assert.equal(matches("\\Aab\\z", "ab\n"), false);
    assert.equal(matches("^[[:alpha:]]+[[:^digit:]]$", "ab-"), true);
    assert.equal(matches("^\\x41\\x{1F600}$", "A\u{1F600}"), true);
    assert.equal(matches("^(?s).$", "\n"), true);
    assert.equal(matches("^.$", "\n"), false);
    assert.equal(matches("^.$", "\u{1F600}"), true);
    assert.equal(matches("^a{$", "a{"), true);
    assert.equal(matches("^a{,2}$", "a{,2}"), true);
    assert.equal(matches("^\\pL+$", "größe"), true);
    assert.equal(matches("^\\Qa.b\\E$", "a.b"), true);
    assert.equal(matches("^\\Qa.b\\E$", "axb"), false);
    assert.equal(matches("(?m)^b$", "a\nb"), true);
  });

  it("refuses bad syntax, and what is none in RE2", () => {
    const bad = [
      "(",
      ")",
      "a)",
      "[",
      "[]",
      "[b-a]",
      "*",
      "a**",
      "a+{2}",
      "(?=a)",
      "(?<!a)",
      "\\1",
      "(?<=a)b",
      "(?>a)",
      "\\pX",
      "\\C",
      "\\",
      "a{3,2}",
      "a{1001}",
      "[[:foo:]]",
      "\\x{110000}",
      "(?P<a b>c)",
    ];
    for (const source of bad) {
      assert.throws(
        () => compileRegularExpression(source),
        (error) => hasCode(error, "bad_parameter"),
        source,
      );
    }
  });

  it("refuses what would take too much room, however it is nested, before it takes it", () => {
    const started = process.cpuUsage();
    for (const source of [
      "(a{100}){100}",
      "(((((){1000}){1000}){1000}){1000}){1000}",
      "a".repeat(1025),
      `${"(".repeat(400)}a${"){9}".repeat(400)}`.slice(0, 1024),
      "(".repeat(512) + ")".repeat(512),
      "a{1000}".repeat(140),
      "(x{0,1000})".repeat(90),
      "(\\pL\\pN?){1000}".repeat(60),
      "(.{1,30}){30}",
    ]) {
      assert.throws(
        () => compileRegularExpression(source),
        (error) => hasCode(error, "bad_parameter"),
        source.slice(0, 20),
      );
    }
    assert.ok(process.cpuUsage(started).user < 5_000_000);
    assert.throws(
      () => matches("^a*$", "a".repeat(513)),
      (error) => hasCode(error, "bad_parameter"),
    );
  });

  it("takes the repetitions that label values have", () => {
    const uuid = "^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$";
    assert.equal(matches(uuid, "2b7ae4d3-0000-4000-8000-000000000000"), true);
    assert.equal(matches(uuid, "2b7ae4d3"), false);
    assert.equal(matches("^(\\d{1,3}\\.){3}\\d{1,3}$", "10.0.0.1"), true);
    assert.equal(matches("^([a-z0-9-]{1,63}\\.){1,4}example$", "a.b.example"), true);
  });

  it("says in one line what is wrong", () => {
    assert.throws(() => compileRegularExpression("^(web$"), {
      message: "the regular expression cannot be used: missing closing ): `^(web$`",
    });
  });

  it("answers at once where backtracking takes for ever", () => {
    const subject = `${"a".repeat(500)}!`;
    const started = process.cpuUsage();
    for (const source of [
      "^(a+)+$",
      "^(a|a)*$",
      "^(a|aa)+$",
      "^(.*a){20}$",
      "^((a*)*)*$",
      "^(a?){150}a{150}$",
    ]) {
      assert.equal(matches(source, subject), false, source);
    }
    // A backtracking engine would still be busy when the sun has gone out, so the bound can be generous.
    assert.ok(process.cpuUsage(started).user < 5_000_000);
  });
});
