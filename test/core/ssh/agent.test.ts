import assert from "node:assert/strict";
import { once } from "node:events";
import { hasCode } from "../../../core/errors/error.js";
import { sshPublicBlob, verifySsh } from "../../../core/pki/ssh-key.js";
import { serveAgent } from "../../../core/ssh/agent-server.js";
import { SshAgent } from "../../../core/ssh/agent.js";
import { KEY_KINDS, keyPair, TestAuthority } from "./authority.js";
import { duplexPair } from "./duplex-pair.js";
import { Loopback } from "./loopback.js";
import { needPrograms, OpenSsh } from "./openssh.js";

const DATA = Buffer.from("data to sign");

describe("SshAgent", () => {
  describe("with the stock ssh-agent", () => {
    let openssh: OpenSsh;
    let path: string;

    before(async function () {
      needPrograms(this, "/usr/bin/ssh-agent", "/usr/bin/ssh-add");
      openssh = new OpenSsh();
      path = `${openssh.directory}/agent.sock`;
      const child = openssh.start("ssh-agent", ["-D", "-a", path]);
      if (child.stdout) await once(child.stdout, "data");
    });

    after(() => openssh.dispose());

    for (const kind of KEY_KINDS) {
      it(`adds, lists, signs with and removes a ${kind} key and its certificate`, async () => {
        const authority = await TestAuthority.create();
        const { privateKey } = await keyPair(kind);
        const publicBlob = sshPublicBlob(privateKey);
        const certificate = authority.certify("user", publicBlob);
        const agent = await SshAgent.connect(path);
        await agent.add({ privateKey, comment: "plain", lifetimeMs: 60_000 });
        await agent.add({ privateKey, certificate, comment: "teleport:alice" });
        const listed = await agent.identities();
        assert.deepEqual(
          listed.map(({ comment }) => comment),
          ["plain", "teleport:alice"],
        );
        assert.ok(listed[1]?.blob.equals(certificate));
        const algorithm =
          kind === "rsa" ? "rsa-sha2-512" : kind === "ecdsa" ? "ecdsa-sha2-nistp256" : "ssh-ed25519";
        for (const signer of await agent.signers()) {
          assert.ok(verifySsh(publicBlob, algorithm, await signer.sign(DATA, algorithm), DATA));
        }
        const loopback = await Loopback.create({ authorities: () => [authority.publicBlob] });
        await loopback.connect({ signers: () => agent.signers() });
        assert.equal(loopback.accepted[0]?.peerCertificate?.keyId, "alice");
        await agent.remove(certificate);
        await agent.remove(publicBlob);
        assert.deepEqual(await agent.identities(), []);
        await assert.rejects(agent.remove(publicBlob), (error) => hasCode(error, "access_denied"));
        agent.close();
        await assert.rejects(agent.identities(), (error) => hasCode(error, "unavailable"));
      });
    }
  });

  it("names the socket where no agent answers", async () => {
    await assert.rejects(
      SshAgent.connect("/nonexistent/agent.sock"),
      /No SSH agent answers at \/nonexistent/,
    );
  });
});

describe("serveAgent", () => {
  it("offers signers with their certificates, and nothing else", async () => {
    const authority = await TestAuthority.create();
    const signer = await authority.signer("user", "rsa");
    const [server, client] = duplexPair();
    const served = serveAgent(server, () => [{ signer, comment: "alice" }]);
    const agent = new SshAgent(client);
    assert.equal((await agent.identities()).length, 2);
    const [certified] = await agent.signers();
    assert.ok(certified?.certificate?.equals(signer.certificate ?? Buffer.alloc(0)));
    for (const algorithm of ["rsa-sha2-512", "rsa-sha2-256"]) {
      assert.ok(
        verifySsh(signer.publicBlob, algorithm, (await certified?.sign(DATA, algorithm)) ?? DATA, DATA),
      );
    }
    const { privateKey } = await keyPair("ed25519");
    await assert.rejects(agent.add({ privateKey, comment: "intruder" }), (error) =>
      hasCode(error, "access_denied"),
    );
    agent.close();
    await served;
  });

  it("ends a stream that does not speak the protocol", async () => {
    const [server, client] = duplexPair();
    client.on("error", () => undefined);
    client.write(Buffer.alloc(64, 0xff));
    await serveAgent(server, () => []);
    assert.ok(server.destroyed);
  });
});
