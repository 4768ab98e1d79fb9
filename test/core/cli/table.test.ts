import assert from "node:assert/strict";
import { headlessTable, table } from "../../../core/cli/table.js";

describe("tables", () => {
  it("pads every cell to the width of its column and underlines the head", () => {
    assert.equal(
      table(
        ["User", "Allowed logins"],
        [
          ["alice", "root"],
          ["bo", ""],
        ],
      ),
      "User  Allowed logins\n" +
        "----- --------------\n" +
        "alice root          \n" +
        "bo                  \n",
    );
  });

  it("has no lines where there is no head", () => {
    assert.equal(
      headlessTable([
        ["Cluster", "a"],
        ["Version", "5.0.0"],
      ]),
      "Cluster a    \nVersion 5.0.0\n",
    );
  });

  it("lets no cell move the cursor or begin a new line", () => {
    assert.equal(headlessTable([["a\u001b[2Jb\nc\u009bd"]]), "a\\u001b[2Jb\\u000ac\\u009bd\n");
  });
});
