import assert from "node:assert/strict";
import { createPublicKey, generateKeyPairSync } from "node:crypto";
import { writeFileSync } from "node:fs";
import path from "node:path";
import { hasCode } from "../../../core/errors/error.js";
import {
  fingerprintSha256,
  parseAuthorizedKey,
  publicKeyFromBlob,
  signatureAlgorithmsFor,
  signSsh,
  sshPublicBlob,
  sshPublicLine,
  verifySsh,
} from "../../../core/pki/ssh-key.js";
import { SshReader, SshWriter } from "../../../core/pki/ssh-wire.js";
import { temporaryFolder } from "../../kit/paths.js";
import { needProgram, run } from "./external-program.js";
import { ecdsa, ed25519, keysByType, otherRsa, rsa } from "./sample-keys.js";

const isBadParameter = (error: unknown): boolean => hasCode(error, "bad_parameter");
const data = Buffer.from("what is signed");

describe("SSH keys", () => {
  for (const [type, pair] of keysByType) {
    it(`encodes ${type} as ssh-keygen reads it`, async function () {
      needProgram(this, "ssh-keygen");
      const { folder, remove } = await temporaryFolder();
      try {
        const file = path.join(folder, "key.pub");
        writeFileSync(file, sshPublicLine(pair.publicKey, "alice"));
        const blob = sshPublicBlob(pair.privateKey);
        assert.equal(run("ssh-keygen", ["-l", "-f", file]).split(" ")[1], fingerprintSha256(blob));
        assert.ok(publicKeyFromBlob(blob).equals(pair.publicKey));
        const parsed = parseAuthorizedKey(sshPublicLine(pair.publicKey, "alice and more"));
        assert.deepEqual(parsed, { type, blob, comment: "alice and more" });
      } finally {
        await remove();
      }
    });

    it(`signs and verifies with every algorithm of ${type}`, () => {
      const blob = sshPublicBlob(pair.publicKey);
      for (const algorithm of signatureAlgorithmsFor(type, true)) {
        const signature = signSsh(pair.privateKey, algorithm, data);
        assert.equal(verifySsh(blob, algorithm, signature, data), true, algorithm);
        assert.equal(verifySsh(blob, algorithm, signature, Buffer.from("other")), false, algorithm);
        assert.equal(verifySsh(blob, algorithm, signature.subarray(1), data), false, algorithm);
        assert.equal(
          verifySsh(blob, algorithm, Buffer.concat([signature, Buffer.of(0)]), data),
          false,
          algorithm,
        );
        assert.equal(
          verifySsh(sshPublicBlob(otherRsa.publicKey), algorithm, signature, data),
          false,
          algorithm,
        );
      }
    });
  }

  it("offers SHA-1 only on request", () => {
    assert.deepEqual(signatureAlgorithmsFor("ssh-rsa"), ["rsa-sha2-512", "rsa-sha2-256"]);
    assert.deepEqual(signatureAlgorithmsFor("ssh-rsa-cert-v01@openssh.com", true).at(-1), "ssh-rsa");
    assert.throws(() => signatureAlgorithmsFor("ssh-dss"), isBadParameter);
  });

  it("accepts an RSA signature without its leading zeros, as OpenSSH does", () => {
    const blob = sshPublicBlob(rsa.publicKey);
    // One signature in 256 starts with a zero byte.
    for (let counter = 0; ; counter++) {
      const message = Buffer.from(`message ${counter}`);
      const signature = signSsh(rsa.privateKey, "rsa-sha2-256", message);
      if (signature[0] === 0) {
        assert.equal(verifySsh(blob, "rsa-sha2-256", signature.subarray(1), message), true);
        return;
      }
    }
  });

  it("does not let a key sign or verify with another type's algorithm", () => {
    assert.throws(() => signSsh(ed25519.privateKey, "rsa-sha2-512", data), isBadParameter);
    const signature = signSsh(ecdsa.privateKey, "ecdsa-sha2-nistp256", data);
    assert.equal(verifySsh(sshPublicBlob(ecdsa.publicKey), "ecdsa-sha2-nistp384", signature, data), false);
    assert.equal(verifySsh(sshPublicBlob(ecdsa.publicKey), "constructor", signature, data), false);
  });

  it("refuses malformed and unsafe keys", () => {
    const weak = generateKeyPairSync("rsa", { modulusLength: 1024 }).publicKey;
    const point = Buffer.concat([Buffer.of(4), Buffer.alloc(64, 1)]);
    const modulus = Buffer.alloc(256, 0xff);
    const bad: Record<string, Buffer> = {
      "short RSA key": sshPublicBlob(weak),
      "huge RSA key": new SshWriter()
        .string("ssh-rsa")
        .mpint(Buffer.of(1, 0, 1))
        .mpint(Buffer.alloc(4096, 0xff))
        .toBuffer(),
      "exponent 1": new SshWriter().string("ssh-rsa").mpint(Buffer.of(1)).mpint(modulus).toBuffer(),
      "even exponent": new SshWriter().string("ssh-rsa").mpint(Buffer.of(2)).mpint(modulus).toBuffer(),
      "huge exponent": new SshWriter()
        .string("ssh-rsa")
        .mpint(Buffer.alloc(200, 0xff))
        .mpint(modulus)
        .toBuffer(),
      "point off the curve": new SshWriter()
        .string("ecdsa-sha2-nistp256")
        .string("nistp256")
        .string(point)
        .toBuffer(),
      "other curve": new SshWriter()
        .string("ecdsa-sha2-nistp256")
        .string("nistp384")
        .string(point)
        .toBuffer(),
      "short Ed25519 key": new SshWriter().string("ssh-ed25519").string(Buffer.alloc(31)).toBuffer(),
      "trailing bytes": Buffer.concat([sshPublicBlob(ed25519.publicKey), Buffer.of(0)]),
      "unknown type": new SshWriter().string("ssh-dss").string("").toBuffer(),
      "nothing": Buffer.alloc(0),
    };
    for (const [name, blob] of Object.entries(bad)) {
      assert.throws(() => publicKeyFromBlob(blob), isBadParameter, name);
    }
  });

  it("refuses key types that SSH lacks", () => {
    const keys = [
      generateKeyPairSync("x25519"),
      generateKeyPairSync("ed448"),
      generateKeyPairSync("ec", { namedCurve: "secp256k1" }),
      generateKeyPairSync("rsa-pss", { modulusLength: 2048 }),
    ];
    for (const { publicKey } of keys) {
      assert.throws(() => sshPublicBlob(publicKey), isBadParameter, publicKey.asymmetricKeyType);
    }
  });

  it("refuses lines that are no public key", () => {
    const line = sshPublicLine(ed25519.publicKey);
    for (const bad of [
      "",
      "ssh-ed25519",
      "ssh-ed25519 !!!",
      line.replace("ssh-ed25519", "ssh-rsa"),
      `command="x" ${line}`,
    ]) {
      assert.throws(() => parseAuthorizedKey(bad), isBadParameter, JSON.stringify(bad));
    }
  });

  it("keeps the fields of an RSA key in SSH's order", () => {
    const reader = new SshReader(sshPublicBlob(createPublicKey(rsa.privateKey)));
    assert.equal(reader.text(), "ssh-rsa");
    assert.deepEqual(reader.mpint(), Buffer.of(1, 0, 1));
    assert.equal(reader.mpint().length, 256);
  });
});
