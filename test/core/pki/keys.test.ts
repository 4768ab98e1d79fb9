import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { readFileSync } from "node:fs";
import path from "node:path";
import { errorChain, hasCode } from "../../../core/errors/error.js";
import { parsePrivateKey, parsePublicKeyPem, privateKeyPem, publicKeyPem } from "../../../core/pki/keys.js";
import { sshPublicLine } from "../../../core/pki/ssh-key.js";
import { fixture, temporaryFolder } from "../../kit/paths.js";
import { needProgram, run } from "./external-program.js";
import { ed25519, keysByType, rsa } from "./sample-keys.js";

describe("keys", () => {
  it("writes RSA as PKCS#1 and other private keys as PKCS#8", () => {
    assert.match(privateKeyPem(rsa.privateKey), /^-----BEGIN RSA PRIVATE KEY-----\n/);
    assert.match(privateKeyPem(ed25519.privateKey), /^-----BEGIN PRIVATE KEY-----\n/);
  });

  for (const [type, pair] of keysByType) {
    it(`reads back what it writes: ${type}`, () => {
      assert.ok(parsePrivateKey(privateKeyPem(pair.privateKey)).equals(pair.privateKey));
      assert.ok(parsePublicKeyPem(publicKeyPem(pair.publicKey)).equals(pair.publicKey));
    });
  }

  it("reads the public key of a 4.2 host, whose label lies", () => {
    const pem = readFileSync(fixture("pki", "host-key.pem"), "utf8");
    assert.match(pem, /BEGIN RSA PUBLIC KEY/);
    assert.equal(parsePublicKeyPem(pem).asymmetricKeyDetails?.modulusLength, 2048);
    const pkcs1 = rsa.publicKey.export({ type: "pkcs1", format: "pem" });
    assert.ok(parsePublicKeyPem(pkcs1).equals(rsa.publicKey));
  });

  it("refuses rubbish, a private key given as a public one, and never repeats the text", () => {
    const secret = privateKeyPem(rsa.privateKey);
    const damaged = secret.replace(/\n.{10}/, "\n!!!!");
    for (const attempt of [
      () => parsePrivateKey(damaged),
      () => parsePrivateKey(""),
      () => parsePublicKeyPem(secret),
    ]) {
      assert.throws(
        attempt,
        (error) => hasCode(error, "bad_parameter") && !errorChain(error).includes(secret.slice(64, 90)),
      );
    }
  });

  it("tells that a key is encrypted", () => {
    const pem = generateKeyPairSync("ed25519").privateKey.export({
      type: "pkcs8",
      format: "pem",
      cipher: "aes-256-cbc",
      passphrase: "secret",
    });
    assert.throws(() => parsePrivateKey(pem), /encrypted/);
  });

  for (const options of [
    ["-t", "ed25519"],
    ["-t", "rsa", "-b", "2048"],
    ["-t", "ecdsa", "-b", "384"],
  ]) {
    it(`reads an OpenSSH private key: ${options.join(" ")}`, async function () {
      needProgram(this, "ssh-keygen");
      const { folder, remove } = await temporaryFolder();
      try {
        const file = path.join(folder, "key");
        run("ssh-keygen", ["-q", "-N", "", "-C", "me@here", "-f", file, ...options]);
        const key = parsePrivateKey(readFileSync(file));
        assert.equal(sshPublicLine(key, "me@here"), readFileSync(`${file}.pub`, "utf8"));
        run("ssh-keygen", ["-q", "-p", "-P", "", "-N", "secret", "-f", file]);
        assert.throws(() => parsePrivateKey(readFileSync(file)), /encrypted/);
      } finally {
        await remove();
      }
    });
  }
});
