import assert from "node:assert/strict";
import { hasCode } from "../../../core/errors/error.js";
import type { AuthFailure } from "../../../core/ssh/contract.js";
import { KEY_KINDS, TestAuthority } from "./authority.js";
import { Loopback } from "./loopback.js";

describe("connectSsh and createSshServer", () => {
  for (const host of KEY_KINDS) {
    for (const user of KEY_KINDS) {
      it(`logs in with a ${user} user certificate at a server with a ${host} host certificate`, async () => {
        const loopback = await Loopback.create();
        loopback.hostSigners.splice(0, 1, await loopback.authority.signer("host", host));
        const signer = await loopback.authority.signer("user", user);
        const client = await loopback.connect({ signers: () => Promise.resolve([signer]) });
        const [server] = loopback.accepted;
        assert.equal(server?.user, "root");
        assert.equal(server?.peerCertificate?.keyId, "alice");
        assert.equal(server?.remoteAddress, "192.0.2.7:4711");
        assert.deepEqual(client.peerCertificate?.principals, ["node1", "127.0.0.1"]);
        assert.equal(client.peerVersion, "SSH-2.0-Teleport");
        client.disconnect("done");
        assert.equal(await server?.whenClosed, undefined);
      });
    }
  }

  const refusals: [
    string,
    (authority: TestAuthority) => Promise<Awaited<ReturnType<TestAuthority["signer"]>>>,
    RegExp,
  ][] = [
    ["an unknown authority", async () => (await TestAuthority.create()).signer("user"), /authority/i],
    ["a missing principal", (ca) => ca.signer("user", "ed25519", { principals: ["bob"] }), /root/],
    [
      "an expired certificate",
      (ca) =>
        ca.signer("user", "ed25519", {
          validAfter: new Date(Date.now() - 7_200_000),
          validBefore: new Date(Date.now() - 3_600_000),
        }),
      /expired/i,
    ],
    ["a host certificate", (ca) => ca.signer("host", "ed25519", { principals: ["root"] }), /host|user/],
  ];
  for (const [what, make, reason] of refusals) {
    it(`refuses ${what} and reports why`, async () => {
      const failures: AuthFailure[] = [];
      const loopback = await Loopback.create({ onAuthFailure: (failure) => failures.push(failure) });
      const signer = await make(loopback.authority);
      await assert.rejects(loopback.connect({ signers: () => Promise.resolve([signer]) }), (error) =>
        hasCode(error, "access_denied"),
      );
      assert.match(failures[0]?.reason ?? "", reason);
    });
  }

  it("refuses a host that verifyHost refuses, with its error", async () => {
    const loopback = await Loopback.create();
    const other = await TestAuthority.create();
    loopback.hostSigners.splice(0, 1, await other.signer("host"));
    await assert.rejects(loopback.connect(), (error) => hasCode(error, "access_denied"));
  });
});
