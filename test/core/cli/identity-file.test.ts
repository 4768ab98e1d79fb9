import assert from "node:assert/strict";
import { formatIdentityFile, parseIdentityFile, type IdentityFile } from "../../../core/cli/identity-file.js";

const pem = (label: string, body: string): string =>
  `-----BEGIN ${label}-----\n${body}\n-----END ${label}-----\n`;

const identity: IdentityFile = {
  keyPem: pem("RSA PRIVATE KEY", "a2V5"),
  sshCertificate: "ssh-rsa-cert-v01@openssh.com AAAA",
  tlsCertificatePem: pem("CERTIFICATE", "bGVhZg=="),
  sshAuthorities: [
    "@cert-authority *.a ssh-rsa AAAB type=host",
    "@cert-authority *.b ssh-rsa AAAC type=host",
  ],
  tlsAuthorities: [pem("CERTIFICATE", "Y2Ex"), pem("CERTIFICATE", "Y2Ey")],
};

describe("identity files", () => {
  it("come back as they were written", () => {
    assert.deepEqual(parseIdentityFile(formatIdentityFile(identity), "id"), identity);
  });

  it("have the parts in 4.2's order, each on lines of its own", () => {
    const starts = formatIdentityFile(identity)
      .split("\n")
      .filter((line) => /^(-----BEGIN|ssh|@)/.test(line))
      .map((line) => line.split(" ")[0] + (line.startsWith("-----") ? ` ${line.split(" ")[1]}` : ""));
    assert.deepEqual(starts, [
      "-----BEGIN RSA",
      "ssh-rsa-cert-v01@openssh.com",
      "-----BEGIN CERTIFICATE-----",
      "@cert-authority",
      "@cert-authority",
      "-----BEGIN CERTIFICATE-----",
      "-----BEGIN CERTIFICATE-----",
    ]);
  });

  it("are read with parts in another order, carriage returns and blank lines", () => {
    const { keyPem, sshCertificate, tlsCertificatePem } = identity;
    const shuffled = `\n${sshCertificate}\n\n${tlsCertificatePem}${keyPem}`.replaceAll("\n", "\r\n");
    const read = parseIdentityFile(shuffled, "id");
    assert.equal(read.sshCertificate, sshCertificate);
    assert.match(read.keyPem, /^-----BEGIN RSA PRIVATE KEY-----\r?\na2V5/);
    assert.deepEqual(read.tlsAuthorities, []);
  });

  it("are refused without a key, with two, or without certificates", () => {
    const whole = formatIdentityFile(identity);
    const broken = {
      "exactly one private key": [whole.replace(identity.keyPem, ""), whole + identity.keyPem, ""],
      "an SSH and a TLS certificate": [
        whole.replace(identity.sshCertificate, ""),
        identity.keyPem + identity.sshCertificate,
      ],
    };
    for (const [missing, texts] of Object.entries(broken)) {
      for (const text of texts) {
        assert.throws(() => parseIdentityFile(text, "my-file"), {
          code: "bad_parameter",
          message: new RegExp(`^my-file is not an identity file: it must hold ${missing}`),
        });
      }
    }
  });
});
