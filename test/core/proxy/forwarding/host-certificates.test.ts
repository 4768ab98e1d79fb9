import assert from "node:assert/strict";
import type { AuthApi, HostCertRequest } from "../../../../core/auth/client/api.js";
import { unavailable } from "../../../../core/errors/error.js";
import { generateEd25519KeyPair } from "../../../../core/pki/keys.js";
import { issueSshCertificate, parseSshCertificate } from "../../../../core/pki/ssh-certificate.js";
import { parseAuthorizedKey } from "../../../../core/pki/ssh-key.js";
import { HostCertificates } from "../../../../core/proxy/forwarding/host-certificates.js";
import { ManualClock } from "../../ssh/manual-clock.js";

/** An auth service that issues what it is asked for, and counts. */
class Issuer {
  readonly requests: HostCertRequest[] = [];
  readonly clock = new ManualClock();
  failure: Error | undefined;
  changed: () => void = () => undefined;
  readonly #authority = generateEd25519KeyPair();

  certificates(capacity?: number): HostCertificates {
    const api: Pick<AuthApi, "generateHostCert"> = {
      generateHostCert: (request) => {
        this.requests.push(request);
        return this.failure ? Promise.reject(this.failure) : Promise.resolve(this.#issue(request));
      },
    };
    return new HostCertificates({
      api,
      view: {
        clusterName: "example.test",
        onChange: (_, listener) => ((this.changed = listener), () => undefined),
      },
      clock: this.clock,
      ...(capacity === undefined ? {} : { capacity }),
    });
  }

  #issue({ key, principals, ttl }: HostCertRequest): string {
    const now = this.clock.now();
    return issueSshCertificate(
      {
        type: "host",
        publicBlob: parseAuthorizedKey(Buffer.from(key, "base64").toString()).blob,
        keyId: "",
        principals,
        validAfter: now,
        validBefore: new Date(now.getTime() + ttl / 1e6),
        extensions: {},
      },
      this.#authority.privateKey,
    );
  }
}

describe("proxy: host certificates of the recording proxy", () => {
  let issuer: Issuer;
  beforeEach(() => (issuer = new Issuer()));

  it("prove the names that were dialled, and are asked for once", async () => {
    const certificates = issuer.certificates();
    const names = ["node1", "node1.example.test"];
    const [first, second] = await Promise.all([certificates.signer(names), certificates.signer(names)]);
    assert.equal(first, second);
    assert.equal(await certificates.signer(names), first);
    assert.equal(issuer.requests.length, 1);
    assert.deepEqual(parseSshCertificate(first.certificate!).principals, names);
    await certificates.signer(["node2"]);
    assert.equal(issuer.requests.length, 2);
  });

  it("are made anew after a day, while the old one is still valid", async () => {
    const certificates = issuer.certificates();
    const first = await certificates.signer(["node1"]);
    await issuer.clock.advance(24 * 3_600_000);
    assert.ok(parseSshCertificate(first.certificate!).validBefore! > issuer.clock.now());
    assert.notEqual(await certificates.signer(["node1"]), first);
  });

  it("are made anew when the cluster's authorities change", async () => {
    const certificates = issuer.certificates();
    const first = await certificates.signer(["node1"]);
    issuer.changed();
    assert.notEqual(await certificates.signer(["node1"]), first);
  });

  it("that could not be had are asked for again", async () => {
    const certificates = issuer.certificates();
    issuer.failure = unavailable("auth is away");
    await assert.rejects(certificates.signer(["node1"]), /auth is away/);
    issuer.failure = undefined;
    await certificates.signer(["node1"]);
  });

  it("leave in the order of their use where there are too many", async () => {
    const certificates = issuer.certificates(2);
    const used = await certificates.signer(["a"]);
    await certificates.signer(["b"]);
    await certificates.signer(["a"]);
    await certificates.signer(["c"]);
    assert.equal(await certificates.signer(["a"]), used);
    assert.equal(issuer.requests.length, 3);
    await certificates.signer(["b"]);
    assert.equal(issuer.requests.length, 4);
  });
});
