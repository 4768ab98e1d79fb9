import assert from "node:assert/strict";
import { parseYamlDocuments } from "../../../core/document/yaml-document.js";
import { locate, plainValue } from "../../../core/document/positioned.js";

describe("a stream of YAML documents", () => {
  const values = (text: string): unknown[] =>
    [...parseYamlDocuments(text)].map(({ root, findings }) => (root ? plainValue(root) : findings));

  it("is cut at its markers only, and without empty documents", () => {
    const text = [
      ...["\ufeff# a comment", "---", "a: 1", "key: |", "  ---", "  -----BEGIN KEY-----"],
      ...["--- # and another one", "b: 2", "...", "---", "", "---", '{"c": 3}', ""],
    ].join("\n");
    assert.deepEqual(values(text), [{ a: 1, key: "---\n-----BEGIN KEY-----\n" }, { b: 2 }, { c: 3 }]);
    assert.deepEqual(values(text.replaceAll("\n", "\r\n")).slice(1), [{ b: 2 }, { c: 3 }]);
    assert.deepEqual(values(""), []);
    assert.deepEqual(values("---\n---\n"), []);
  });

  it("keeps directives with the document that they stand before", () => {
    assert.deepEqual(values("%YAML 1.2\n# x\n---\na: 1\n---\nb: 2\n"), [{ a: 1 }, { b: 2 }]);
  });

  it("tells places by the lines of the whole stream", () => {
    const [first, second, third] = [...parseYamlDocuments("a: 1\n---\nb: 2\n---\nc: [\n")];
    assert.deepEqual(locate(first!.root!, ["a"]).keyPosition, { line: 1, column: 1 });
    assert.deepEqual(locate(second!.root!, ["b"]).node.position, { line: 3, column: 4 });
    assert.equal(third!.findings[0]?.position.line, 6);
  });

  it("may be long, while each of its documents is bounded", () => {
    const document = `a: ${"x".repeat(100_000)}\n`;
    assert.equal(values(Array(20).fill(document).join("---\n")).length, 20);
    const [, oversize] = [...parseYamlDocuments(`a: 1\n---\n${document.repeat(3)}`)];
    assert.deepEqual(oversize?.findings, [
      { position: { line: 2, column: 1 }, message: "the document is larger than 256 KiB" },
    ]);
  });
});
