import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { hasCode } from "../../../core/errors/error.js";
import { caPin, checkCaPin } from "../../../core/pki/ca-pin.js";
import { fixture } from "../../kit/paths.js";

const certificate = readFileSync(fixture("pki", "host-ca.pem"), "utf8");
/** As openssl computes it from the same file (wire.md §1.7). */
const PIN = "sha256:4f94b6e63871e33e7eab34ff455f8d681f79141edfde29e1e6f56957ae018d8b";

describe("CA pin", () => {
  it("is the digest of the authority's public key", () => {
    assert.equal(caPin(certificate), PIN);
  });

  it("accepts the right pin, however it was typed", () => {
    checkCaPin(PIN, certificate);
    checkCaPin(` ${PIN.toUpperCase()}\n`, certificate);
  });

  it("refuses another pin", () => {
    const other = readFileSync(fixture("pki", "user-ca.pem"), "utf8");
    assert.throws(
      () => {
        checkCaPin(PIN, other);
      },
      (error) => hasCode(error, "access_denied"),
    );
  });

  it("refuses what is no certificate", () => {
    assert.throws(
      () => caPin("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"),
      (error) => hasCode(error, "bad_parameter"),
    );
  });

  it("refuses what is no pin", () => {
    for (const pin of [
      "",
      "sha256:",
      PIN.slice(7),
      PIN.slice(0, -1),
      `${PIN}0`,
      PIN.replace("sha256", "sha1"),
    ]) {
      assert.throws(
        () => {
          checkCaPin(pin, certificate);
        },
        (error) => hasCode(error, "bad_parameter"),
        pin,
      );
    }
  });
});
