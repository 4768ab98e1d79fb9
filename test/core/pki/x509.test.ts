import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { writeFileSync } from "node:fs";
import path from "node:path";
import { hasCode } from "../../../core/errors/error.js";
import type { KeyPair } from "../../../core/pki/keys.js";
import {
  createTlsAuthority,
  issueTlsCertificate,
  splitPem,
  type TlsCertificateTemplate,
} from "../../../core/pki/x509.js";
import { temporaryFolder } from "../../kit/paths.js";
import { needProgram, run } from "./external-program.js";
import { ed25519, keysByType, otherRsa, rsa } from "./sample-keys.js";

const NOW = new Date("2026-11-22T12:00:00.700Z");
const LATER = new Date("2026-11-23T00:00:00Z");
const authorityPem = createTlsAuthority("wire.test", rsa, NOW);

function issue(changes: Partial<TlsCertificateTemplate> = {}): string {
  return issueTlsCertificate({
    subject: { username: "alice", roles: ["admin"] },
    publicKey: ed25519.publicKey,
    authority: { certPem: authorityPem, key: rsa.privateKey },
    notBefore: NOW,
    notAfter: LATER,
    ...changes,
  });
}

function opensslVerify(folder: string, authority: string, leaf: string): string {
  const [authorityFile, leafFile] = [path.join(folder, "ca.pem"), path.join(folder, "leaf.pem")];
  writeFileSync(authorityFile, authority);
  writeFileSync(leafFile, leaf);
  const time = String(NOW.getTime() / 1000 + 60).split(".")[0] ?? "";
  return run("openssl", ["verify", "-x509_strict", "-attime", time, "-CAfile", authorityFile, leafFile]);
}

describe("X.509 certificates", () => {
  it("makes an authority as 4.2 does", function () {
    needProgram(this, "openssl");
    const certificate = new X509Certificate(authorityPem);
    assert.equal(certificate.ca, true);
    assert.ok(certificate.verify(rsa.publicKey));
    assert.equal(certificate.validFrom, "Nov 22 12:00:00 2026 GMT");
    assert.equal(certificate.validTo, "Nov 19 12:00:00 2036 GMT");
    const decimal = BigInt(`0x${certificate.serialNumber}`).toString();
    assert.equal(certificate.subject, `O=wire.test\nCN=wire.test\nserialNumber=${decimal}`);
    assert.equal(certificate.issuer, certificate.subject);
    const text = run("openssl", ["x509", "-noout", "-text"], authorityPem);
    assert.match(text, /Key Usage: critical\s+Digital Signature, Key Encipherment, Certificate Sign\n/);
    assert.match(text, /Basic Constraints: critical\s+CA:TRUE\n/);
    assert.match(text, /Subject Key Identifier/);
    assert.doesNotMatch(text, /Extended Key Usage|Alternative Name|Authority Key/);
  });

  for (const [authorityType, authority] of keysByType) {
    for (const [keyType, pair] of keysByType) {
      it(`issues for ${keyType} by ${authorityType} what openssl verifies`, async function () {
        needProgram(this, "openssl");
        const { folder, remove } = await temporaryFolder();
        try {
          const certPem = createTlsAuthority("wire.test", authority, NOW);
          const leaf = issue({
            authority: { certPem, key: authority.privateKey },
            publicKey: pair.publicKey,
          });
          assert.match(opensslVerify(folder, certPem, leaf), /leaf\.pem: OK/);
          assert.ok(new X509Certificate(leaf).publicKey.equals(pair.publicKey));
        } finally {
          await remove();
        }
      });
    }
  }

  it("gives a certificate the usages, names and serial of wire.md §1.5", function () {
    needProgram(this, "openssl");
    const dnsNames = [
      "node1",
      "*.teleport.cluster.local",
      "127.0.0.1",
      "::1",
      "fd00::12:0",
      "::ffff:10.0.0.1",
      "node1",
    ];
    const leaf = issue({ dnsNames });
    const certificate = new X509Certificate(leaf);
    assert.equal(certificate.ca, false);
    assert.equal(
      certificate.subjectAltName,
      "DNS:node1, DNS:*.teleport.cluster.local, IP Address:127.0.0.1, IP Address:0:0:0:0:0:0:0:1, " +
        "IP Address:FD00:0:0:0:0:0:12:0, IP Address:0:0:0:0:0:FFFF:A00:1",
    );
    const text = run("openssl", ["x509", "-noout", "-text"], leaf);
    assert.match(text, /Key Usage: critical\s+Digital Signature, Key Encipherment\n/);
    assert.match(
      text,
      /Extended Key Usage:\s+TLS Web Server Authentication, TLS Web Client Authentication\n/,
    );
    assert.match(text, /Basic Constraints: critical\s+CA:FALSE\n/);
    assert.match(text, /Authority Key Identifier/);
    assert.notEqual(certificate.serialNumber, new X509Certificate(issue()).serialNumber);
  });

  it("writes times after 2049 so that they are understood", () => {
    const certificate = new X509Certificate(issue({ notAfter: new Date("2051-02-03T04:05:06Z") }));
    assert.equal(certificate.validTo, "Feb  3 04:05:06 2051 GMT");
  });

  it("refuses what must not be signed", () => {
    const bad: Record<string, Partial<TlsCertificateTemplate>> = {
      "a key of another authority": { authority: { certPem: authorityPem, key: otherRsa.privateKey } },
      "no user": { subject: { username: "", roles: ["admin"] } },
      "no role": { subject: { username: "alice", roles: [] } },
      "an end before the start": { notAfter: NOW },
      "a name that is none": { dnsNames: ["a b"] },
      "an empty name": { dnsNames: [""] },
    };
    for (const [name, changes] of Object.entries(bad)) {
      assert.throws(
        () => issue(changes),
        (error) => hasCode(error, "bad_parameter"),
        name,
      );
    }
  });

  it("splits PEM texts", () => {
    const leaf = issue();
    const text = `subject=alice\n${leaf}\r\nrubbish\n${authorityPem}`;
    assert.deepEqual(splitPem(text), [leaf, authorityPem]);
    assert.deepEqual(splitPem("none"), []);
  });

  it("makes authorities of different keys with different names", () => {
    const names = [rsa, otherRsa].map(
      (key: KeyPair) => new X509Certificate(createTlsAuthority("c", key, NOW)).subject,
    );
    assert.notEqual(names[0], names[1]);
  });
});
