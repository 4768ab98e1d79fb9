import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import fc from "fast-check";
import { hasCode } from "../../../core/errors/error.js";
import { parseTlsIdentity, type TlsSubject } from "../../../core/pki/tls-identity.js";
import { encodeName } from "../../../core/pki/x509-name.js";
import { signCertificate } from "../../../core/pki/x509-sign.js";
import { createTlsAuthority, issueTlsCertificate } from "../../../core/pki/x509.js";
import { fixture } from "../../kit/paths.js";
import { ed25519 } from "./sample-keys.js";

const NOT_BEFORE = new Date("2026-11-22T12:00:00Z");
const NOT_AFTER = new Date("2026-11-23T00:00:00Z");
const certPem = createTlsAuthority("wire.test", ed25519, NOT_BEFORE);
const sample = (name: string): X509Certificate => new X509Certificate(readFileSync(fixture("pki", name)));

function issue(subject: TlsSubject): X509Certificate {
  const authority = { certPem, key: ed25519.privateKey };
  return new X509Certificate(
    issueTlsCertificate({
      subject,
      publicKey: ed25519.publicKey,
      authority,
      notBefore: NOT_BEFORE,
      notAfter: NOT_AFTER,
    }),
  );
}

/** A certificate with any subject, as only a hostile or foreign authority makes them. */
function withSubject(
  subject: [string, string[]][],
  issuer: [string, string[]][] = [["2.5.4.10", ["wire.test"]]],
): X509Certificate {
  return new X509Certificate(
    signCertificate(
      {
        serial: Buffer.of(1),
        issuer: encodeName(issuer),
        subject: encodeName(subject),
        notBefore: NOT_BEFORE,
        notAfter: NOT_AFTER,
        publicKey: ed25519.publicKey,
        extensions: [],
      },
      ed25519.privateKey,
    ),
  );
}

describe("TLS identity", () => {
  it("reads a user certificate of 4.2", () => {
    const identity = parseTlsIdentity(sample("user-cert.pem"));
    assert.equal(identity.username, "alice");
    assert.deepEqual(identity.roles, ["admin"]);
    assert.deepEqual(identity.logins, ["root", "ubuntu"]);
    assert.deepEqual(identity.traits, { kubernetes_groups: null, logins: ["root", "ubuntu"] });
    assert.equal(identity.routeToCluster, "wire.test");
    assert.equal(identity.issuerCluster, "wire.test");
    assert.equal(identity.expires.toISOString(), "2026-11-22T22:28:24.000Z");
  });

  it("reads a host certificate of 4.2", () => {
    const identity = parseTlsIdentity(sample("host-cert.pem"));
    assert.equal(identity.username, "c90cd53e-7cd8-403f-92df-46f25929495f.wire.test");
    assert.deepEqual(identity.roles, ["Node"]);
    assert.equal(identity.traits, undefined);
    assert.equal(identity.routeToCluster, undefined);
    assert.equal(identity.logins, undefined);
  });

  it("writes an empty route and null traits for hosts, as 4.2 does", () => {
    const { subject } = issue({ username: "uuid.wire.test", roles: ["Node"] });
    assert.equal(subject, "O=Node\nstreet=\npostalCode=null\nCN=uuid.wire.test");
  });

  it("carries any text of any field there and back", () => {
    const text = fc
      .string({ unit: "binary", minLength: 1, maxLength: 40 })
      .filter((value) => Buffer.from(value).toString() === value);
    const list = fc.uniqueArray(text, { minLength: 1, maxLength: 4 });
    const traits = fc.dictionary(text, fc.oneof(list, fc.constant(null)), { noNullPrototype: true });
    fc.assert(
      fc.property(
        text,
        list,
        list,
        list,
        text,
        traits,
        (username, roles, logins, kubernetesGroups, routeToCluster, all) => {
          const identity = parseTlsIdentity(
            issue({ username, roles, logins, kubernetesGroups, routeToCluster, traits: all }),
          );
          assert.equal(identity.username, username);
          assert.deepEqual([...identity.roles].sort(), [...roles].sort());
          assert.deepEqual([...(identity.logins ?? [])].sort(), [...logins].sort());
          assert.deepEqual([...(identity.kubernetesGroups ?? [])].sort(), [...kubernetesGroups].sort());
          assert.equal(identity.routeToCluster, routeToCluster);
          assert.deepEqual(Object.entries(identity.traits ?? {}), Object.entries(all));
        },
      ),
      { numRuns: 30 },
    );
  });

  it("reads attributes in separate RDNs like those in one", () => {
    const identity = parseTlsIdentity(
      withSubject([
        ["2.5.4.10", ["admin"]],
        ["2.5.4.3", ["alice"]],
        ["2.5.4.10", ["dev"]],
        ["2.5.4.8", ["legacy-group"]],
      ]),
    );
    assert.deepEqual(identity.roles, ["admin", "dev"]);
    assert.deepEqual(identity.kubernetesGroups, ["legacy-group"]);
  });

  it("refuses subjects that name nobody, or more than one", () => {
    const bad: Record<string, [string, string[]][]> = {
      "no role": [["2.5.4.3", ["alice"]]],
      "an empty role": [
        ["2.5.4.3", ["alice"]],
        ["2.5.4.10", [""]],
      ],
      "no name": [["2.5.4.10", ["admin"]]],
      "two names": [
        ["2.5.4.3", ["alice", "root"]],
        ["2.5.4.10", ["admin"]],
      ],
      "traits that are no JSON": [
        ["2.5.4.3", ["alice"]],
        ["2.5.4.10", ["admin"]],
        ["2.5.4.17", ["{"]],
      ],
      "traits of another shape": [
        ["2.5.4.3", ["alice"]],
        ["2.5.4.10", ["admin"]],
        ["2.5.4.17", ['{"logins":"root"}']],
      ],
    };
    for (const [name, subject] of Object.entries(bad)) {
      assert.throws(
        () => parseTlsIdentity(withSubject(subject)),
        (error) => hasCode(error, "access_denied"),
        name,
      );
    }
    assert.throws(
      () =>
        parseTlsIdentity(
          withSubject(
            [
              ["2.5.4.3", ["alice"]],
              ["2.5.4.10", ["admin"]],
            ],
            [["2.5.4.3", ["x"]]],
          ),
        ),
      (error) => hasCode(error, "access_denied"),
    );
  });
});
