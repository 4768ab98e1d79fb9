import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { connect } from "node:net";
import { systemErrorLine, systemErrorText } from "../../../core/errors/system-error.js";

describe("errors of the operating system", () => {
  const failure = (work: () => unknown): unknown => {
    try {
      work();
    } catch (error) {
      return error;
    }
    return undefined;
  };

  it("are told in words, and on a line of their own with the path", () => {
    const missing = failure(() => readFileSync("/nowhere/at/all"));
    assert.equal(systemErrorText(missing), "no such file or directory");
    assert.equal(systemErrorLine(missing), "/nowhere/at/all: no such file or directory");
    assert.equal(systemErrorText(failure(() => readFileSync("/"))), "it is a directory");
  });

  it("of connections are told in words", async () => {
    const refused = await new Promise((resolve) => connect(1, "127.0.0.1").once("error", resolve));
    assert.equal(systemErrorText(refused), "connection refused");
    assert.equal(systemErrorLine(refused), "connection refused");
  });

  it("are told apart from others", () => {
    for (const other of [undefined, null, "ENOENT", new Error("x"), { code: "ENOENT", message: "x" }]) {
      assert.equal(systemErrorText(other), undefined);
    }
  });
});
