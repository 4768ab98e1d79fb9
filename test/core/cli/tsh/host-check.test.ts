import assert from "node:assert/strict";
import { trustIn } from "../../../../core/cli/tsh/cluster-trust.js";
import { checkHost, type ExpectedHost } from "../../../../core/cli/tsh/host-check.js";
import { parseSshCertificate } from "../../../../core/pki/ssh-certificate.js";
import type { PresentedHost } from "../../../../core/ssh/host-verification.js";
import { TestAuthority, type CertificateChanges } from "../../ssh/authority.js";

describe("what tsh takes for the host it dialled", () => {
  let authority: TestAuthority;

  before(async () => {
    authority = await TestAuthority.create();
  });

  async function host(
    by: TestAuthority = authority,
    changes: CertificateChanges = {},
    type: "host" | "user" = "host",
  ): Promise<PresentedHost> {
    const signer = await by.signer(type, "ed25519", changes);
    return { certificate: parseSshCertificate(signer.certificate!), publicBlob: signer.publicBlob };
  }

  function expected(changes: Partial<ExpectedHost> = {}): ExpectedHost {
    const trust = trustIn({ ssh: [{ cluster: "example.com", keys: [authority.publicBlob] }], tls: [] });
    return { host: "node1", cluster: "example.com", trust, now: new Date(), ...changes };
  }

  it("a host with a certificate of the cluster for this name", async () => {
    assert.equal(checkHost(await host(), expected()), "trusted");
    assert.equal(checkHost(await host(), expected({ host: "NODE1" })), "trusted");
  });

  for (const name of ["localhost", "0.0.0.0", "127.0.0.1"]) {
    it(`${name} proves to be 127.0.0.1`, async () => {
      assert.equal(checkHost(await host(), expected({ host: name })), "trusted");
    });
  }

  it("never one for another name", async () => {
    const presented = await host();
    assert.throws(() => checkHost(presented, expected({ host: "node2" })), /not valid for "node2"/);
  });

  it("never one that has expired, or is not valid yet", async () => {
    const presented = await host();
    const later = new Date(Date.now() + 7_200_000);
    assert.throws(() => checkHost(presented, expected({ now: later })), /expired/);
    const early = new Date(Date.now() - 7_200_000);
    assert.throws(() => checkHost(presented, expected({ now: early })), /not valid before/);
  });

  it("never a user", async () => {
    const presented = await host(authority, { principals: ["node1"] }, "user");
    assert.throws(() => checkHost(presented, expected()), /user certificate/);
  });

  it("nobody knows a host of another authority, or of the authority of another cluster", async () => {
    assert.equal(checkHost(await host(await TestAuthority.create()), expected()), "unknown");
    assert.equal(checkHost(await host(), expected({ cluster: "other.example.com" })), "unknown");
  });

  it("nobody knows a plain key until the user has trusted it, for that name only", async () => {
    const { publicBlob } = await host();
    const wanted = expected();
    assert.equal(checkHost({ publicBlob }, wanted), "unknown");
    wanted.trust.trustHostKey("node1", publicBlob);
    assert.equal(checkHost({ publicBlob }, wanted), "trusted");
    assert.equal(checkHost({ publicBlob }, { ...wanted, host: "node2" }), "unknown");
  });
});
