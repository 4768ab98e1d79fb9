import assert from "node:assert/strict";
import { matchTotp, newTotpSecret, totpUri } from "../../../core/auth/totp.js";

/** RFC 6238, appendix B: the secret `12345678901234567890`, six digits. */
const SECRET = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";

describe("TOTP", () => {
  for (const [seconds, code] of [
    [59, "287082"],
    [1111111109, "081804"],
    [1234567890, "005924"],
    [20000000000, "353130"],
  ] as const) {
    it(`knows the code of RFC 6238 for second ${seconds}`, () => {
      const step = Math.floor(seconds / 30);
      const at = (offset: number) => matchTotp(SECRET, code, new Date((seconds + offset) * 1000));
      assert.equal(at(0), step);
      assert.equal(at(30), step);
      assert.equal(at(-30), step);
      assert.equal(at(90), undefined);
    });
  }

  for (const code of ["", "28708", "2870822", "28708a", "２８７０８２", " 287082"]) {
    it(`takes ${JSON.stringify(code)} for no code`, () => {
      assert.equal(matchTotp(SECRET, code, new Date(59_000)), undefined);
    });
  }

  it("takes no code for a secret that is not base32", () => {
    assert.equal(matchTotp("", "287082", new Date(59_000)), undefined);
    assert.equal(matchTotp(SECRET.toLowerCase(), "287082", new Date(59_000)), undefined);
  });

  it("makes secrets of twenty bytes, each another", () => {
    assert.match(newTotpSecret(), /^[A-Z2-7]{32}$/);
    assert.notEqual(newTotpSecret(), newTotpSecret());
  });

  it("names user and issuer in the address of the QR code", () => {
    assert.equal(
      totpUri(SECRET, "alice@host"),
      `otpauth://totp/Teleport:alice%40host?secret=${SECRET}&issuer=Teleport`,
    );
  });
});
