import assert from "node:assert/strict";
import { hasCode } from "../../../core/errors/error.js";
import {
  readEnv,
  readPtyRequest,
  readText,
  readWindowChange,
} from "../../../core/session/session-requests.js";
import { SshWriter } from "../../../core/pki/ssh-wire.js";

describe("session requests", () => {
  const size = (columns: number, rows: number): Buffer =>
    new SshWriter().uint32(columns).uint32(rows).uint32(0).uint32(0).toBuffer();

  it("reads a terminal request", () => {
    const payload = new SshWriter().string("xterm").raw(size(100, 30)).string(Buffer.of(0)).toBuffer();
    assert.deepEqual(readPtyRequest(payload), {
      terminalType: "xterm",
      size: { columns: 100, rows: 30 },
      modes: Buffer.of(0),
    });
  });

  it("takes a default for a size of zero and bounds a huge one", () => {
    assert.deepEqual(readWindowChange(size(0, 0)), { columns: 80, rows: 25 });
    assert.deepEqual(readWindowChange(size(0xffffffff, 1)), { columns: 65_535, rows: 1 });
  });

  it("reads variables and commands", () => {
    assert.deepEqual(readEnv(new SshWriter().string("A").string("b").toBuffer()), { name: "A", value: "b" });
    assert.equal(readText(new SshWriter().string("ls -l").toBuffer()), "ls -l");
  });

  it("refuses truncated payloads", () => {
    const broken = [() => readEnv(Buffer.of(0, 0, 0, 9)), () => readWindowChange(Buffer.alloc(3))];
    for (const read of [...broken, () => readPtyRequest(Buffer.alloc(0))]) {
      assert.throws(read, (error) => hasCode(error, "bad_parameter"));
    }
  });
});
