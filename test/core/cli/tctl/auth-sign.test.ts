import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { createPrivateKey, X509Certificate } from "node:crypto";
import { chmod, readdir, readFile, stat, writeFile } from "node:fs/promises";
import path from "node:path";
import { parseIdentityFile } from "../../../../core/cli/identity-file.js";
import { sign, type SignFlags } from "../../../../core/cli/tctl/auth-sign.js";
import { sshPublicBlob } from "../../../../core/pki/ssh-key.js";
import { parseSshCertificateLine } from "../../../../core/pki/ssh-certificate.js";
import { temporaryFolder } from "../../../kit/paths.js";
import { signUp, startAuth, type AuthFixture } from "../../auth/auth-fixture.js";
import { desk } from "./tctl-fixture.js";

const flags = { format: "file", ttl: "12h" };

/** What `ssh-keygen -L` says of a certificate; undefined where there is no such program. */
function describeCertificate(file: string, skip: () => never): string {
  const { status, stdout, stderr, error } = spawnSync("ssh-keygen", ["-L", "-f", file], { encoding: "utf8" });
  if (error && !process.env.CI) {
    console.log("skipped: ssh-keygen is not installed");
    skip();
  }
  assert.equal(status, 0, stderr);
  return stdout;
}

describe("tctl auth sign", function () {
  this.timeout(30_000);
  let auth: AuthFixture;
  let folder: string;
  let remove: () => Promise<void>;
  before(async () => {
    auth = await startAuth();
    await signUp(auth, "alice", "correct horse");
  });
  after(() => auth.close());
  beforeEach(async () => ({ folder, remove } = await temporaryFolder()));
  afterEach(() => remove());

  const signed = async (given: Partial<SignFlags>): Promise<string> => {
    const world = { ...desk(auth.as("Admin")), clock: auth.clock };
    await sign(world, { ...flags, ...given });
    return world.output();
  };
  const modeOf = async (name: string): Promise<number> => (await stat(path.join(folder, name))).mode & 0o777;

  it("writes an identity file whose parts belong together", async () => {
    const out = path.join(folder, "alice.pem");
    assert.equal(await signed({ user: "alice", out }), `\nThe certificate has been written to ${out}\n`);
    assert.equal(await modeOf("alice.pem"), 0o600);
    assert.deepEqual(await readdir(folder), ["alice.pem"]);

    const identity = parseIdentityFile(await readFile(out, "utf8"), out);
    const key = createPrivateKey(identity.keyPem);
    const certificate = parseSshCertificateLine(identity.sshCertificate);
    assert.equal(certificate.keyId, "alice");
    assert.deepEqual(certificate.principals, ["root"]);
    assert.deepEqual(certificate.publicBlob, sshPublicBlob(key));
    assert.equal(certificate.validBefore?.getTime(), auth.clock.now().getTime() + 12 * 3_600_000);
    assert.ok(new X509Certificate(identity.tlsCertificatePem).checkPrivateKey(key));
    assert.match(
      identity.sshAuthorities.join("\n"),
      /^@cert-authority \*\.example\.test ssh-rsa \S+ type=host$/,
    );
    assert.ok(new X509Certificate(identity.tlsAuthorities[0]!).ca);
  });

  it("writes what ssh takes, for longer than roles allow", async function () {
    const out = path.join(folder, "alice");
    await signed({ user: "alice", out, format: "openssh", ttl: "1000h" });
    assert.deepEqual((await readdir(folder)).sort(), ["alice", "alice-cert.pub"]);
    assert.equal(await modeOf("alice"), 0o600);
    const text = describeCertificate(`${out}-cert.pub`, () => this.skip());
    assert.match(text, /Type: ssh-rsa-cert-v01@openssh\.com user certificate/);
    assert.match(text, /Key ID: "alice"/);
    assert.match(text, /using rsa-sha2-512/);
  });

  it("writes what TLS clients take", async () => {
    const out = path.join(folder, "alice");
    await signed({ user: "alice", out, format: "tls" });
    assert.deepEqual((await readdir(folder)).sort(), ["alice.cas", "alice.crt", "alice.key"]);
    const certificate = new X509Certificate(await readFile(`${out}.crt`));
    assert.ok(certificate.checkPrivateKey(createPrivateKey(await readFile(`${out}.key`))));
    assert.ok(new X509Certificate(await readFile(`${out}.cas`)).ca);
  });

  it("makes a host certificate that never expires", async function () {
    const out = path.join(folder, "db1");
    await signed({ host: "db1.example.com, db1", out, format: "openssh" });
    const text = describeCertificate(`${out}-cert.pub`, () => this.skip());
    assert.match(text, /host certificate/);
    assert.match(text, /Key ID: ""/);
    assert.match(text, /Valid: (forever|after )/);
    assert.match(text, /Principals: \s+db1\.example\.com\s+db1\s+Critical/);
  });

  it("replaces a file that others could read by one that they cannot", async () => {
    const out = path.join(folder, "alice");
    await writeFile(out, "old");
    await chmod(out, 0o644);
    await signed({ user: "alice", out });
    assert.equal(await modeOf("alice"), 0o600);
    assert.match(await readFile(out, "utf8"), /^-----BEGIN RSA PRIVATE KEY-----/);
  });

  it("leaves nothing behind where it cannot write", async () => {
    const out = path.join(folder, "absent", "alice");
    await assert.rejects(signed({ user: "alice", out }), { code: "unavailable", message: /^cannot write / });
    assert.deepEqual(await readdir(folder), []);
  });

  it("refuses what it cannot make, and writes nothing", async () => {
    const out = path.join(folder, "x");
    const refused: [Partial<SignFlags>, string][] = [
      [{}, "--user or --host must be specified"],
      [{ user: "alice" }, "identity location is not specified"],
      [{ user: "nobody", out }, 'user "nobody" is not found'],
      [
        { user: "alice", out, format: "k" },
        'unsupported identity format: "k", use one of "file", "openssh", or "tls"',
      ],
      [{ host: "a", out }, 'invalid --format flag "file", only "openssh" is supported'],
      [{ host: "a,,b", out, format: "openssh" }, "--host=a,,b holds an empty name"],
    ];
    for (const [given, message] of refused) await assert.rejects(signed(given), { message });
    assert.deepEqual(await readdir(folder), []);
  });
});
