import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { hasCode } from "../../../core/errors/error.js";
import { loadConfig } from "../../../core/config/load.js";
import { ConfigError, formatProblem } from "../../../core/document/problem.js";
import { fileSchema } from "../../../core/config/schema/file.js";
import { sectionsByKey } from "../../../core/document/schema-keys.js";

/** Adding a case is adding a .yaml file with the expected lines in a .txt file of the same name. */
const corpus = fileURLToPath(new URL("../../../../test/fixtures/config/", import.meta.url));

function cases(folder: string): { name: string; text: string; expected: string }[] {
  return readdirSync(corpus + folder)
    .filter((name) => name.endsWith(".yaml"))
    .map((name) => ({
      name,
      text: readFileSync(`${corpus}${folder}/${name}`, "utf8"),
      expected: readFileSync(`${corpus}${folder}/${name.replace(/\.yaml$/, ".txt")}`, "utf8").trimEnd(),
    }));
}

function problemsOf(text: string, name: string): ConfigError {
  try {
    loadConfig(text, name);
  } catch (error) {
    assert.ok(error instanceof ConfigError, `not a ConfigError: ${String(error)}`);
    return error;
  }
  return assert.fail(`${name} was accepted`);
}

describe("configuration corpus", () => {
  describe("broken files", () => {
    const broken = cases("broken");
    it("are at least sixty", () => assert.ok(broken.length >= 60, `${broken.length}`));
    for (const { name, text, expected } of broken) {
      it(name, () => {
        const error = problemsOf(text, name);
        assert.equal(error.message, expected);
        assert.ok(hasCode(error, "config"));
      });
    }
    it("never make a message repeat a token", () => {
      const withSecrets = broken.filter(({ text }) => text.includes("hunter2"));
      assert.ok(withSecrets.length >= 4);
      for (const { name, text } of withSecrets)
        assert.doesNotMatch(problemsOf(text, name).message, /hunter2/);
    });
  });

  describe("good files", () => {
    for (const { name, text, expected } of cases("good")) {
      it(name, () => {
        const { warnings } = loadConfig(text, name);
        assert.equal(warnings.map(formatProblem).join("\n"), expected);
      });
    }
    it("every-key.yaml has every key of the schema", () => {
      const text = readFileSync(`${corpus}good/every-key.yaml`, "utf8");
      const missing = [...sectionsByKey(fileSchema).keys()].filter(
        (key) => !new RegExp(`\\b${key}:`).test(text),
      );
      assert.deepEqual(missing, []);
    });
  });
});
