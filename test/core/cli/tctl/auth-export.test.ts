import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { exportAuthorities, type ExportFlags } from "../../../../core/cli/tctl/auth-export.js";
import { proxyPatterns } from "../../../../core/cli/tctl/authority-lines.js";
import { fingerprintSha256, parseAuthorizedKey } from "../../../../core/pki/ssh-key.js";
import { startAuth, type AuthFixture } from "../../auth/auth-fixture.js";
import { desk, server } from "./tctl-fixture.js";

describe("tctl auth export", () => {
  let auth: AuthFixture;
  before(async () => (auth = await startAuth()));
  after(() => auth.close());

  const exported = async (flags: ExportFlags): Promise<string> => {
    const world = desk({
      ...auth.as("Admin"),
      getProxies: async () => [
        server("proxy", "p1", { addr: "bastion.example.test:3023", public_addr: "web.example.test:443" }),
      ],
    });
    await exportAuthorities(world, flags);
    return world.output();
  };

  it("prints the host authority with the names of the proxies, then the user authority", async () => {
    const lines = (await exported({})).split("\n");
    assert.equal(lines.length, 3);
    assert.match(
      lines[0]!,
      /^@cert-authority \*\.example\.test,\[bastion\.example\.test\]:3023,\[web\.example\.test\]:3023 ssh-rsa AAAA\S+ type=host$/,
    );
    assert.match(lines[1]!, /^cert-authority ssh-rsa AAAA\S+ clustername=example\.test&type=user$/);
    assert.equal(await exported({ type: "host" }), `${lines[0]}\n`);
    assert.equal(await exported({ type: "user" }), `${lines[1]}\n`);
  });

  it("prints the user authority in the form of 1.0", async () => {
    assert.match(
      await exported({ type: "user", compat: "1.0" }),
      /^@cert-authority \*\.example\.test ssh-rsa AAAA\S+ type=user\n$/,
    );
  });

  it("prints only the key that a fingerprint names, also of private keys", async () => {
    const line = await exported({ type: "user" });
    const { blob } = parseAuthorizedKey(line.replace("cert-authority ", ""));
    const fingerprint = fingerprintSha256(blob);
    assert.equal(await exported({ fingerprint }), line);
    const pem = await exported({ fingerprint, keys: true });
    assert.match(pem, /^-----BEGIN RSA PRIVATE KEY-----\n[^-]+-----END RSA PRIVATE KEY-----\n\n$/);
    assert.equal(await exported({ fingerprint: "SHA256:none" }), "");
  });

  it("prints the TLS authority, with its key on request", async () => {
    const certificate = new X509Certificate(await exported({ type: "tls" }));
    assert.ok(certificate.ca);
    assert.match(
      await exported({ type: "tls", keys: true }),
      /^-----BEGIN RSA PRIVATE KEY-----[^]+-----BEGIN CERTIFICATE/,
    );
  });

  it("refuses an unknown type, and a TLS authority in the middle of a rotation", async () => {
    await assert.rejects(exported({ type: "foo" }), { message: "'foo' authority type is not supported" });
    const authority = await auth.as("Admin").getCertAuthority("host", "example.test");
    const pairs = authority.spec.tls_key_pairs!;
    authority.spec.tls_key_pairs = [...pairs, ...pairs];
    const world = desk({
      getDomainName: async () => "example.test",
      getCertAuthority: async () => authority,
    });
    await assert.rejects(exportAuthorities(world, { type: "tls" }), {
      message: "expected one TLS key pair, got 2",
    });
  });

  it("writes ports other than 22 into patterns, knows loopback as localhost, leaves out what names no host", () => {
    const proxies = [
      server("proxy", "a", { addr: "Bastion.example.test:22", public_addr: "bastion.example.test:3080" }),
      server("proxy", "b", { addr: "127.0.0.1:3023" }),
      server("proxy", "c", { addr: "[2001:db8::1]:3023" }),
      server("proxy", "d", { addr: "0.0.0.0:3023" }),
    ];
    assert.deepEqual(proxyPatterns(proxies), [
      "bastion.example.test",
      "[127.0.0.1]:3023",
      "[localhost]:3023",
      "[2001:db8::1]:3023",
    ]);
  });
});
