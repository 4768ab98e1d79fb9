/** The documentation, held to the code: samples load, and the reference names every key. */
import assert from "node:assert/strict";
import { readdirSync, readFileSync, statSync } from "node:fs";
import path from "node:path";
import { loadConfig } from "../../core/config/load.js";
import { NOT_YET } from "../../core/config/not-yet.js";
import { fileSchema } from "../../core/config/schema/file.js";
import { keysAt } from "../../core/document/schema-keys.js";
import { repoRoot } from "../kit/paths.js";

const read = (...parts: string[]): string => readFileSync(path.join(repoRoot, ...parts), "utf8");

const documents = ["README.md", "examples/audit-webhook/README.md"].concat(
  readdirSync(path.join(repoRoot, "docs")).map((name) => `docs/${name}`),
);

describe("examples: configurations", () => {
  for (const file of [
    "examples/teleport.yaml",
    "examples/etcd.yaml",
    "examples/audit-webhook/teleport.yaml",
  ]) {
    it(`${file} is accepted without a warning`, () => {
      assert.deepEqual(loadConfig(read(file), file).warnings, []);
    });
  }
});

describe("documentation", () => {
  for (const document of documents) {
    const samples = [...read(document).matchAll(/^```yaml\n(.*?)^```$/gms)].map(([, text = ""]) => text);
    samples.forEach((text, i) =>
      it(`sample ${i + 1} of ${document} is accepted without a warning`, () => {
        assert.deepEqual(loadConfig(text, document).warnings, []);
      }),
    );

    it(`links of ${document} lead somewhere`, () => {
      const folder = path.dirname(path.join(repoRoot, document));
      for (const [, target = ""] of read(document).matchAll(/\]\((?!https?:)([^)#]+)(?:#[^)]*)?\)/g))
        assert.doesNotThrow(() => statSync(path.resolve(folder, target)), target);
    });
  }

  it("configuration.md names every key that has its function", () => {
    const reference = read("docs", "configuration.md");
    const undocumented = workingKeys([]).filter((key) => {
      const [section = "", ...rest] = key.split(".");
      const text = reference.split(/^## /m).find((part) => part.startsWith(`\`${section}\``)) ?? reference;
      const names = [rest.join("."), rest.at(-1) ?? section];
      return !names.some((name) => text.includes(`\`${name}\``));
    });
    assert.deepEqual(undocumented, []);
  });
});

/** Keys by their dotted paths, without those whose function is missing or has gaps. */
function workingKeys(at: readonly string[]): string[] {
  return keysAt(fileSchema, at).flatMap((name) => {
    const key = [...at, name];
    if (NOT_YET[key.join(".")]) return [];
    return keysAt(fileSchema, key).length > 0 ? workingKeys(key) : [key.join(".")];
  });
}
