import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { errorMessage, hasCode } from "../../../core/errors/error.js";
import {
  checkSshCertificate,
  issueSshCertificate,
  parseSshCertificate,
  parseSshCertificateLine,
  sshCertificateLine,
  type SshCertificate,
  type SshCertificateCheck,
  type SshCertificateTemplate,
} from "../../../core/pki/ssh-certificate.js";
import { parseAuthorizedKey, signSsh, sshPublicBlob } from "../../../core/pki/ssh-key.js";
import { SshReader, SshWriter } from "../../../core/pki/ssh-wire.js";
import { fixture, temporaryFolder } from "../../kit/paths.js";
import { needProgram, run } from "./external-program.js";
import { ecdsa, ed25519, keysByType, otherRsa, rsa } from "./sample-keys.js";

const NOW = new Date("2026-11-22T12:00:00Z");
const LATER = new Date("2026-11-23T00:00:00Z");
const authority = rsa.privateKey;
const authorities = [sshPublicBlob(rsa.publicKey)];
const sample = (name: string): string => readFileSync(fixture("pki", name), "utf8");
const isBadParameter = (error: unknown): boolean => hasCode(error, "bad_parameter");

function issue(changes: Partial<SshCertificateTemplate> = {}, key = authority): SshCertificate {
  const template: SshCertificateTemplate = {
    type: "user",
    publicBlob: sshPublicBlob(ed25519.publicKey),
    keyId: "alice",
    principals: ["root", "ubuntu"],
    validAfter: NOW,
    validBefore: LATER,
    extensions: { "permit-pty": "" },
    ...changes,
  };
  return parseSshCertificateLine(issueSshCertificate(template, key));
}

/** Why a certificate is refused; undefined where it is not. */
function refusal(
  certificate: SshCertificate,
  changes: Partial<SshCertificateCheck> = {},
): string | undefined {
  try {
    checkSshCertificate(certificate, { type: "user", authorities, principal: "root", now: NOW, ...changes });
    return undefined;
  } catch (error) {
    assert.ok(hasCode(error, "access_denied"), errorMessage(error));
    return errorMessage(error);
  }
}

/** A certificate whose signed part was changed by hand and signed again, as a hostile authority could. */
function forge(change: (writer: SshWriter) => SshWriter): Buffer {
  const body = change(
    new SshWriter()
      .string("ssh-ed25519-cert-v01@openssh.com")
      .string(Buffer.alloc(32))
      .string(sshPublicBlob(ed25519.publicKey).subarray(-32)),
  ).toBuffer();
  const signature = new SshWriter()
    .string("rsa-sha2-512")
    .string(signSsh(authority, "rsa-sha2-512", body))
    .toBuffer();
  return new SshWriter().raw(body).string(signature).toBuffer();
}

const strings = (...values: (string | Buffer)[]): Buffer =>
  values.reduce<SshWriter>((writer, value) => writer.string(value), new SshWriter()).toBuffer();

interface ForgedFields {
  type?: number;
  principals?: Buffer;
  critical?: Buffer;
  extensions?: Buffer;
  authority?: Buffer;
}

function forgeFields(fields: ForgedFields): Buffer {
  return forge((writer) =>
    writer
      .uint64(0n)
      .uint32(fields.type ?? 1)
      .string("alice")
      .string(fields.principals ?? strings("root"))
      .uint64(0n)
      .uint64(0xffff_ffff_ffff_ffffn)
      .string(fields.critical ?? "")
      .string(fields.extensions ?? "")
      .string("")
      .string(fields.authority ?? sshPublicBlob(rsa.publicKey)),
  );
}

describe("SSH certificates", () => {
  describe("from 4.2", () => {
    it("reads a user certificate", () => {
      const certificate = parseSshCertificateLine(sample("user-cert.pub"));
      assert.equal(certificate.format, "ssh-rsa-cert-v01@openssh.com");
      assert.equal(certificate.type, "user");
      assert.equal(certificate.keyType, "ssh-rsa");
      assert.equal(certificate.keyId, "alice");
      assert.deepEqual(certificate.principals, ["root", "ubuntu"]);
      assert.equal(certificate.validAfter.toISOString(), "2026-11-22T10:27:24.000Z");
      assert.equal(certificate.validBefore?.toISOString(), "2026-11-22T22:28:24.000Z");
      assert.equal(certificate.extensions.get("permit-pty"), "");
      assert.equal(certificate.extensions.get("teleport-roles"), '{"version":"v1","roles":["admin"]}');
      assert.equal(certificate.extensions.get("teleport-route-to-cluster"), "wire.test");
      assert.equal(certificate.signatureAlgorithm, "ssh-rsa");
    });

    it("accepts its SHA-1 signature only in 4.2 compatibility", () => {
      const certificate = parseSshCertificateLine(sample("user-cert.pub"));
      const check = { authorities: [parseAuthorizedKey(sample("user-ca.pub")).blob] };
      assert.match(refusal(certificate, check) ?? "", /signed with ssh-rsa/);
      assert.equal(refusal(certificate, { ...check, allowSha1: true }), undefined);
    });

    it("reads and checks a host certificate that never expires", () => {
      const certificate = parseSshCertificateLine(sample("host-cert.pub"));
      assert.equal(certificate.validBefore, null);
      assert.equal(certificate.keyId, "");
      assert.equal(certificate.principals[0], "c90cd53e-7cd8-403f-92df-46f25929495f.wire.test");
      assert.equal(certificate.extensions.get("x-teleport-role"), "Node");
      const check = {
        type: "host" as const,
        authorities: [parseAuthorizedKey(sample("host-ca.pub")).blob],
        allowSha1: true,
      };
      assert.equal(refusal(certificate, { ...check, principal: "NODE1" }), undefined);
      assert.match(refusal(certificate, { ...check, principal: "node2" }) ?? "", /not valid for "node2"/);
    });

    it("writes a line back as it was", () => {
      const line = sample("user-cert.pub");
      assert.equal(sshCertificateLine(parseSshCertificateLine(line).blob), line);
    });
  });

  describe("issue", () => {
    for (const [keyType, pair] of keysByType) {
      for (const [authorityType, signer] of keysByType) {
        it(`certifies ${keyType} by ${authorityType}`, () => {
          const certificate = issue({ publicBlob: sshPublicBlob(pair.publicKey) }, signer.privateKey);
          assert.deepEqual(certificate.publicBlob, sshPublicBlob(pair.publicKey));
          assert.equal(
            certificate.signatureAlgorithm,
            authorityType === "ssh-rsa" ? "rsa-sha2-512" : authorityType,
          );
          assert.equal(refusal(certificate, { authorities: [sshPublicBlob(signer.publicKey)] }), undefined);
        });
      }
    }

    it("shows in ssh-keygen -L what was asked for", async function () {
      needProgram(this, "ssh-keygen");
      const { folder, remove } = await temporaryFolder();
      try {
        const file = path.join(folder, "cert.pub");
        const extensions = { "teleport-roles": '{"version":"v1"}', "permit-pty": "" };
        writeFileSync(
          file,
          sshCertificateLine(issue({ extensions, criticalOptions: { "source-address": "10.0.0.0/8" } }).blob),
        );
        const [, ...lines] = run("env", ["TZ=UTC", "ssh-keygen", "-L", "-f", file])
          .split("\n")
          .map((line) => line.trim());
        const signingLine = lines.find((line) => line.startsWith("Signing CA:")) ?? "";
        assert.match(signingLine, /\(using rsa-sha2-512\)$/);
        assert.deepEqual(
          lines.filter((line) => line !== signingLine && !line.startsWith("Public key:")),
          [
            "Type: ssh-ed25519-cert-v01@openssh.com user certificate",
            'Key ID: "alice"',
            "Serial: 0",
            "Valid: from 2026-11-22T12:00:00 to 2026-11-23T00:00:00",
            "Principals:",
            "root",
            "ubuntu",
            "Critical Options:",
            "source-address 10.0.0.0/8",
            "Extensions:",
            "permit-pty",
            `teleport-roles UNKNOWN OPTION: ${strings('{"version":"v1"}').toString("hex")} (len 20)`,
            "",
          ],
        );
      } finally {
        await remove();
      }
    });

    it("never makes two alike", () => {
      assert.notDeepEqual(issue().blob, issue().blob);
    });

    it("refuses templates that no server should accept", () => {
      const certificate = issue();
      const bad: Record<string, Partial<SshCertificateTemplate>> = {
        "no principals": { principals: [] },
        "an empty principal": { principals: ["root", ""] },
        "no user name": { keyId: "" },
        "an end before the start": { validBefore: NOW },
        "a bad time": { validAfter: new Date(NaN) },
        "a certificate as key": { publicBlob: certificate.blob },
      };
      for (const [name, changes] of Object.entries(bad)) {
        assert.throws(() => issue(changes), isBadParameter, name);
      }
    });
  });

  describe("parse", () => {
    it("refuses every truncation and trailing bytes", () => {
      const { blob } = issue();
      for (let length = 0; length < blob.length; length++) {
        assert.throws(() => parseSshCertificate(blob.subarray(0, length)), isBadParameter, `${length} bytes`);
      }
      assert.throws(() => parseSshCertificate(Buffer.concat([blob, Buffer.of(0)])), isBadParameter);
    });

    it("survives any single changed byte: refused, or with a wrong signature", () => {
      const { blob } = issue({}, ed25519.privateKey);
      const check = { authorities: [sshPublicBlob(ed25519.publicKey)] };
      for (let at = 0; at < blob.length; at++) {
        const changed = Buffer.from(blob);
        changed[at] = (changed[at] ?? 0) ^ 0x41;
        let certificate: SshCertificate;
        try {
          certificate = parseSshCertificate(changed);
        } catch (error) {
          assert.ok(isBadParameter(error), errorMessage(error));
          continue;
        }
        assert.notEqual(refusal(certificate, check), undefined, `byte ${at}`);
      }
    });

    it("refuses malformed fields", () => {
      const bad: Record<string, Buffer> = {
        "a plain key": sshPublicBlob(ed25519.publicKey),
        "an unknown type": forgeFields({ type: 3 }),
        "options out of order": forgeFields({ extensions: strings("b", "", "a", "") }),
        "a repeated option": forgeFields({ extensions: strings("a", "", "a", "") }),
        "an option value with trailing bytes": forgeFields({
          extensions: strings("a", Buffer.concat([strings("x"), Buffer.of(0)])),
        }),
        "an option value that is no string": forgeFields({
          extensions: strings("a", Buffer.from("\0\0\0\x09x")),
        }),
        "a principal that is not text": forgeFields({ principals: strings(Buffer.of(0xff)) }),
        "a principal list that ends early": forgeFields({ principals: strings("root").subarray(0, -1) }),
        "a certificate as authority": forgeFields({ authority: issue().blob }),
        "a huge certificate": forgeFields({ extensions: strings("a", strings("x".repeat(300_000))) }),
      };
      for (const [name, blob] of Object.entries(bad)) {
        assert.throws(() => parseSshCertificate(blob), isBadParameter, name);
      }
      assert.equal(
        refusal(parseSshCertificate(forgeFields({}))),
        undefined,
        "the forged form itself is accepted",
      );
    });

    it("keeps times that no calendar holds far away", () => {
      const blob = forge((writer) =>
        writer
          .uint64(1n)
          .uint32(1)
          .string("alice")
          .string(strings("root"))
          .uint64(0xffff_ffff_ffff_fff0n)
          .uint64(0xffff_ffff_ffff_fffen)
          .string("")
          .string("")
          .string("")
          .string(sshPublicBlob(rsa.publicKey)),
      );
      assert.match(refusal(parseSshCertificate(blob)) ?? "", /not valid before/);
    });
  });

  describe("check", () => {
    it("accepts its principals only", () => {
      const certificate = issue();
      assert.equal(refusal(certificate, { principal: "ubuntu" }), undefined);
      assert.equal(refusal(certificate, { principal: undefined }), undefined);
      for (const principal of ["Root", "roo", "root,ubuntu", "*", ""]) {
        assert.match(refusal(certificate, { principal }) ?? "", /not valid for/, principal);
      }
      assert.match(
        refusal(parseSshCertificate(forgeFields({ principals: strings() }))) ?? "",
        /no principals/,
      );
    });

    it("holds to the second at both ends", () => {
      const certificate = issue();
      assert.match(refusal(certificate, { now: new Date(NOW.getTime() - 1) }) ?? "", /not valid before/);
      assert.equal(refusal(certificate, { now: new Date(LATER.getTime() - 1) }), undefined);
      assert.match(refusal(certificate, { now: LATER }) ?? "", /expired/);
      assert.notEqual(refusal(certificate, { now: new Date(NaN) }), undefined);
    });

    it("refuses the other type and unknown authorities", () => {
      assert.match(refusal(issue(), { type: "host" }) ?? "", /where a host certificate is needed/);
      const host = issue({ type: "host", keyId: "" });
      assert.match(refusal(host) ?? "", /where a user certificate is needed/);
      assert.match(refusal(issue({}, otherRsa.privateKey)) ?? "", /unknown authority/);
      assert.match(refusal(issue(), { authorities: [] }) ?? "", /unknown authority/);
    });

    it("refuses a signature by another key than the one named", () => {
      const { signedPart } = issue();
      const signature = new SshWriter()
        .string("rsa-sha2-512")
        .string(signSsh(otherRsa.privateKey, "rsa-sha2-512", signedPart))
        .toBuffer();
      const blob = new SshWriter().raw(signedPart).string(signature).toBuffer();
      assert.match(refusal(parseSshCertificate(blob)) ?? "", /signature is wrong/);
    });

    it("refuses a signature algorithm that does not belong to the authority's key", () => {
      const { signedPart } = issue();
      const signature = new SshWriter().string("ssh-ed25519").string(Buffer.alloc(64)).toBuffer();
      const blob = new SshWriter().raw(signedPart).string(signature).toBuffer();
      assert.match(refusal(parseSshCertificate(blob)) ?? "", /signed with ssh-ed25519/);
    });

    it("refuses unknown critical options, and all of them on host certificates", () => {
      assert.match(
        refusal(issue({ criticalOptions: { "force-command": "id" } })) ?? "",
        /unknown critical option/,
      );
      const host = issue({ type: "host", keyId: "", criticalOptions: { "source-address": "127.0.0.1" } });
      assert.match(refusal(host, { type: "host" }) ?? "", /unknown critical option/);
    });

    it("enforces source-address", () => {
      const from = (list: string, sourceAddress?: string): string | undefined =>
        refusal(issue({ criticalOptions: { "source-address": list } }), { sourceAddress });
      assert.equal(from("10.0.0.0/8,192.168.1.7", "10.1.2.3"), undefined);
      assert.equal(from("10.0.0.0/8,192.168.1.7", "192.168.1.7"), undefined);
      assert.equal(from("fd00::/8", "fd00::1"), undefined);
      for (const [list, address] of [
        ["10.0.0.0/8", "11.0.0.1"],
        ["10.0.0.0/8", undefined],
        ["10.0.0.0/8,rubbish", "10.1.2.3"],
        ["10.0.0.0/99", "10.1.2.3"],
        ["10.0.0.0/8/8x", "not an address"],
        ["", "10.1.2.3"],
      ] as const) {
        assert.match(from(list, address) ?? "", /from this address/, `${list} ${address ?? "-"}`);
      }
    });
  });

  it("is accepted by the reader of the plain key only as a certificate", () => {
    const certificate = issue({ publicBlob: sshPublicBlob(ecdsa.publicKey) });
    assert.equal(new SshReader(certificate.publicBlob).text(), "ecdsa-sha2-nistp256");
    assert.equal(new SshReader(certificate.blob).text(), "ecdsa-sha2-nistp256-cert-v01@openssh.com");
  });
});
