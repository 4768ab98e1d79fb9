import assert from "node:assert/strict";
import fc from "fast-check";
import { hasCode } from "../../../core/errors/error.js";
import { SshReader, SshWriter } from "../../../core/pki/ssh-wire.js";

const isBadParameter = (error: unknown): boolean => hasCode(error, "bad_parameter");

describe("SSH wire types", () => {
  it("reads back what was written", () => {
    const blob = fc.uint8Array().map((bytes) => Buffer.from(bytes));
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 2 ** 32 - 1 }),
        fc.bigInt(0n, 2n ** 64n - 1n),
        blob,
        (small, big, bytes) => {
          const written = new SshWriter()
            .byte(7)
            .boolean(true)
            .uint32(small)
            .uint64(big)
            .string(bytes)
            .raw(bytes);
          const reader = new SshReader(written.toBuffer());
          assert.equal(reader.byte(), 7);
          assert.equal(reader.boolean(), true);
          assert.equal(reader.uint32(), small);
          assert.equal(reader.uint64(), big);
          assert.deepEqual(reader.string(), bytes);
          assert.deepEqual(reader.rest(), bytes);
          assert.equal(reader.done, true);
        },
      ),
    );
  });

  it("encodes the mpint examples of RFC 4251 §5", () => {
    const encode = (hex: string): string =>
      new SshWriter().mpint(Buffer.from(hex, "hex")).toBuffer().toString("hex");
    assert.equal(encode(""), "00000000");
    assert.equal(encode("0009a378f9b2e332a7"), "0000000809a378f9b2e332a7");
    assert.equal(encode("80"), "000000020080");
  });

  it("gives an mpint without its sign byte and refuses negative ones", () => {
    assert.deepEqual(new SshReader(Buffer.from("000000020080", "hex")).mpint(), Buffer.of(0x80));
    assert.throws(() => new SshReader(Buffer.from("00000002edcc", "hex")).mpint(), isBadParameter);
  });

  it("refuses what passes the end, also with a huge length", () => {
    assert.throws(() => new SshReader(Buffer.from("ffffffff00", "hex")).string(), isBadParameter);
    assert.throws(() => new SshReader(Buffer.alloc(3)).uint32(), isBadParameter);
    assert.throws(() => new SshReader(Buffer.alloc(7)).uint64(), isBadParameter);
    assert.throws(() => new SshReader(Buffer.alloc(0)).byte(), isBadParameter);
  });

  it("refuses text that is not UTF-8", () => {
    assert.throws(() => new SshReader(Buffer.from("00000001ff", "hex")).text(), isBadParameter);
  });

  it("starts at the given offset", () => {
    assert.equal(new SshReader(Buffer.of(1, 2, 3), 2).byte(), 3);
  });
});
