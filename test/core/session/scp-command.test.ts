import assert from "node:assert/strict";
import { readScpCommand } from "../../../core/session/scp-command.js";

describe("scp command", () => {
  it("tells uploads from downloads", () => {
    assert.deepEqual(readScpCommand("scp -t /tmp/x"), { action: "upload", path: "/tmp/x" });
    assert.deepEqual(readScpCommand("/usr/bin/scp -f a"), { action: "download", path: "a" });
    assert.deepEqual(readScpCommand("scp -r -p -d -t -- 'my dir'"), { action: "upload", path: "my dir" });
    assert.deepEqual(readScpCommand("scp -rpf x y"), { action: "download", path: "x y" });
    assert.deepEqual(readScpCommand("scp -v -f -- -f"), { action: "download", path: "-f" });
  });

  it("leaves other commands alone", () => {
    for (const command of [
      "scp a b:c",
      "scp",
      "scpx -t a",
      "echo scp -t a",
      "scp -t -f a",
      "scp -t a; rm b",
      "",
    ]) {
      assert.equal(readScpCommand(command), undefined, command);
    }
  });
});
