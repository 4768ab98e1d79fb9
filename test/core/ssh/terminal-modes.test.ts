import assert from "node:assert/strict";
import { hasCode } from "../../../core/errors/error.js";
import {
  encodePtyRequest,
  encodeTerminalModes,
  parsePtyRequest,
  parseTerminalModes,
} from "../../../core/ssh/terminal-modes.js";

describe("terminal modes", () => {
  it("are read by name up to the end mark, and unknown ones are skipped", () => {
    const encoded = Buffer.from([
      53, 0, 0, 0, 1, 99, 0, 0, 0, 7, 3, 0, 0, 0, 127, 129, 0, 0, 0x96, 0, 0, 53, 0, 0, 0, 0,
    ]);
    assert.deepEqual(
      [...parseTerminalModes(encoded)],
      [
        ["ECHO", 1],
        ["VERASE", 127],
        ["TTY_OP_OSPEED", 38_400],
      ],
    );
  });

  it("end at opcodes from 160 on, which have no known length", () => {
    assert.equal(parseTerminalModes(Buffer.from([160, 1])).size, 0);
  });

  it("survive encoding and parsing with their pty-req", () => {
    const request = {
      term: "xterm-256color",
      columns: 80,
      rows: 24,
      widthPixels: 640,
      heightPixels: 480,
      modes: parseTerminalModes(encodeTerminalModes(new Map([["ICANON", 0] as const, ["VEOF", 4] as const]))),
    };
    assert.deepEqual(parsePtyRequest(encodePtyRequest(request)), request);
  });

  it("refuse data that is cut short", () => {
    assert.throws(
      () => parseTerminalModes(Buffer.from([53, 0])),
      (error) => hasCode(error, "bad_parameter"),
    );
  });
});
