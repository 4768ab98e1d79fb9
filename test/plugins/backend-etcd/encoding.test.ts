import assert from "node:assert/strict";
import { hasCode } from "../../../core/errors/error.js";
import { expirySecond, leaseNumber, secondOfLease } from "../../../plugins/backend-etcd/expiry-lease.js";
import { KeySpace } from "../../../plugins/backend-etcd/key-space.js";
import { formatRevision, parseCursor, parseRevision } from "../../../plugins/backend-etcd/position.js";
import { decodeValue, encodeValue } from "../../../plugins/backend-etcd/value-text.js";

describe("plugins/backend-etcd/expiry-lease", () => {
  it("carries the second of expiry, in a positive number of 64 bits", () => {
    for (const random of [0, 0.5, 0.999999]) {
      const second = expirySecond(new Date("2099-12-31T23:59:58.120Z"));
      const lease = leaseNumber(second, random);
      assert.equal(secondOfLease(lease), Date.parse("2099-12-31T23:59:59Z") / 1000);
      assert.ok(BigInt(lease) > 0n && BigInt(lease) < 1n << 63n);
    }
  });

  it("does not read a lease that etcd has numbered", () => {
    for (const lease of ["7587869263914371330", "3632585245923938319", "1"]) {
      assert.equal(secondOfLease(lease), undefined);
    }
  });

  it("never ends before the expiry, however far that is", () => {
    assert.equal(expirySecond(new Date(1001)), 2);
    assert.equal(expirySecond(new Date(8.64e15)), 2 ** 33 - 1);
  });
});

describe("plugins/backend-etcd/value-text", () => {
  it("is 4.2's base64, and every length comes back", () => {
    assert.equal(encodeValue("/k", Buffer.from('{"kind"')).toString(), "eyJraW5kIg==");
    for (let length = 0; length < 20; length++) {
      const value = Buffer.alloc(length, 0xfb);
      assert.deepEqual(decodeValue("/k", encodeValue("/k", value)), value);
    }
    assert.equal(decodeValue("/k", Buffer.from("eyJr\naW5k\r\nIg==")).toString(), '{"kind"');
  });

  for (const text of ["eyJraW5kIg", "eyJraW5kIg=", "{}", "ab-_", "eyJ!", "====", "a===", "ab=c"]) {
    it(`is corrupt as ${text}, naming the key`, () => {
      assert.throws(
        () => decodeValue("/some/key", Buffer.from(text)),
        (error: Error) => hasCode(error, "corrupt") && error.message.includes("/some/key"),
      );
    });
  }

  it("has a limit", () => {
    assert.throws(
      () => encodeValue("/k", Buffer.alloc(1024 * 1024 + 1)),
      (error) => hasCode(error, "limit_exceeded"),
    );
  });
});

describe("plugins/backend-etcd/key-space", () => {
  const keys = new KeySpace("/a");
  const bounds = (start: string, end: string): string[] | undefined => {
    const range = keys.range({ start, end });
    return range && [range.start.toString(), range.end.toString()];
  };

  it("holds items and locks, and nothing of a prefix that begins alike", () => {
    assert.equal(keys.encode("/roles/admin").toString(), "/a/roles/admin");
    assert.equal(keys.encode(".locks/c").toString(), "/a.locks/c");
    assert.equal(keys.decode(Buffer.from("/a/é")), "/é");
    assert.deepEqual(bounds("", "\x7f"), ["/a.", "/a0"]);
    assert.deepEqual(bounds("/roles", "/rolet"), ["/a/roles", "/a/rolet"]);
    assert.equal(bounds("b", "c"), undefined);
    assert.equal(bounds("/b", "/a"), undefined);
    assert.equal(bounds("/b", ""), undefined);
  });

  for (const key of ["", "b/c", "+sessions/x", "/a\nb", "/\ud800"]) {
    it(`refuses the key ${JSON.stringify(key)}`, () => {
      assert.throws(
        () => keys.encode(key),
        (error) => hasCode(error, "bad_parameter"),
      );
    });
  }

  it("watches no more than lies between the prefixes", () => {
    const hull = keys.hull(["/nodes/", "/roles/"]);
    assert.deepEqual([hull?.start.toString(), hull?.end.toString()], ["/a/nodes/", "/a/roles0"]);
    assert.equal(keys.hull(["+"]), undefined);
    assert.equal(keys.hull([]), undefined);
  });
});

describe("plugins/backend-etcd/position", () => {
  it("knows its own revisions, and none of another cluster or of nobody", () => {
    assert.deepEqual(parseRevision("1z", formatRevision("1z", "12", "0")), { mod: "12", lease: "0" });
    assert.deepEqual(parseRevision("1z", formatRevision("1z", "12", "99")), { mod: "12", lease: "99" });
    assert.equal(parseRevision("1y", formatRevision("1z", "12", "0")), undefined);
    for (const text of ["", "12", "any", "0.1z", "12.1z.", "12.1z.0", " 12.1z"]) {
      assert.equal(parseRevision("1z", text), undefined);
    }
    assert.deepEqual(parseCursor("1z", "1z.7.L2E="), { revision: 7, key: "L2E=" });
    assert.equal(parseCursor("1z", "999999999999"), undefined);
  });
});
