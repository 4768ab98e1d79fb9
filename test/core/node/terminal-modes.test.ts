import assert from "node:assert/strict";
import { sttyArguments } from "../../../core/node/terminal-modes.js";

/** Encodes modes as RFC 4254 §8 does, with the end mark. */
function encode(...modes: [number, number][]): Buffer {
  const bytes = modes.flatMap(([opcode, value]) => [
    opcode,
    ...Buffer.from(new Uint32Array([value]).buffer).reverse(),
  ]);
  return Buffer.from([...bytes, 0]);
}

describe("terminal modes", () => {
  it("sets characters and flags", () => {
    const modes = encode([1, 3], [3, 127], [6, 255], [53, 0], [50, 1], [92, 1]);
    assert.deepEqual(sttyArguments(modes), ["intr", "0x3", "erase", "0x7f", "eol", "undef", "-echo", "isig"]);
  });

  it("passes over speeds and opcodes it does not know", () => {
    assert.deepEqual(sttyArguments(encode([128, 38_400], [129, 38_400], [11, 5], [99, 1], [70, 1])), [
      "opost",
    ]);
  });

  it("stops at the end mark and at opcodes without a defined argument", () => {
    assert.deepEqual(sttyArguments(Buffer.concat([encode([53, 1]), encode([50, 1])])), ["echo"]);
    assert.deepEqual(sttyArguments(encode([53, 1], [160, 1], [50, 1])), ["echo"]);
  });

  it("takes empty and truncated lists as far as they go", () => {
    assert.deepEqual(sttyArguments(Buffer.alloc(0)), []);
    assert.deepEqual(sttyArguments(Buffer.of(0)), []);
    assert.deepEqual(sttyArguments(Buffer.of(53, 0, 0)), []);
  });

  it("never lets a value become another argument", () => {
    for (const argument of sttyArguments(encode([1, 0xffffffff], [2, 256], [4, 21]))) {
      assert.match(argument, /^-?[a-z0-9]+$/);
    }
  });
});
