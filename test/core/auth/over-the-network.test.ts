import assert from "node:assert/strict";
import { createServer, type AddressInfo, type Server } from "node:net";
import { createApiServer, type ApiServer } from "../../../core/auth/api/server.js";
import { callerFromTls } from "../../../core/auth/caller.js";
import type { AuthApi } from "../../../core/auth/client/api.js";
import { connectAuth } from "../../../core/auth/client/connect.js";
import { generateRsaKeyPair, parsePrivateKey, privateKeyPem } from "../../../core/pki/keys.js";
import { sshPublicLine } from "../../../core/pki/ssh-key.js";
import { issueTlsCertificate } from "../../../core/pki/x509.js";
import { silentLogger } from "../../../core/plugin/logger.js";
import type { AuthorityType } from "../../../core/resources/authority.js";
import { joinRequest, signUp, startAuth, AUTH_HOST, type AuthFixture } from "./auth-fixture.js";

const NODE = "22222222-2222-4222-8222-222222222222";
const REFUSED = { code: "access_denied" };

describe("the auth service over the network", () => {
  let auth: AuthFixture;
  let api: ApiServer;
  let listener: Server;
  let clients: AuthApi[];
  let authorityPem: string;

  beforeEach(async () => {
    auth = await startAuth();
    clients = [];
    const identity = await auth.server.issueHostIdentity("Admin", { nodeName: "authhost", principals: [] });
    authorityPem = identity.tlsAuthorities[0] ?? "";
    api = await createApiServer({
      tls: () => ({ keyPem: identity.keyPem, chainPem: identity.tlsCertificatePem }),
      authorities: () => auth.server.trustedAuthorities.current(),
      callerFor: (peer, remoteAddress) =>
        callerFromTls(peer, { localCluster: auth.server.clusterName, remoteAddress }),
      apiFor: (caller) => auth.server.apiFor(caller),
      log: silentLogger,
      clock: auth.clock,
    });
    listener = createServer();
    api.listen(listener);
    await new Promise<void>((resolve) => listener.listen(0, "127.0.0.1", resolve));
  });
  afterEach(async () => {
    await Promise.all(clients.map((client) => client.close()));
    await api.close();
    listener.close();
    await auth.close();
  });

  const connect = (credentials?: { keyPem: string; certPem: string }): AuthApi => {
    const client = connectAuth({
      addresses: [`127.0.0.1:${(listener.address() as AddressInfo).port}`],
      authorities: [authorityPem],
      credentials,
      clock: auth.clock,
    });
    clients.push(client);
    return client;
  };
  /** A certificate with any subject, as only somebody with the authority's key can make. */
  const forge = async (type: AuthorityType, username: string, roles: string[]): Promise<AuthApi> => {
    const { spec } = await auth.as("Admin").getCertAuthority(type, "example.test", true);
    const decode = (field: string | undefined) => Buffer.from(field ?? "", "base64").toString();
    const { publicKey, privateKey } = await generateRsaKeyPair();
    const now = auth.clock.now().getTime();
    const certPem = issueTlsCertificate({
      subject: { username, roles },
      publicKey,
      authority: {
        certPem: decode(spec.tls_key_pairs?.[0]?.cert),
        key: parsePrivateKey(decode(spec.tls_key_pairs?.[0]?.key)),
      },
      notBefore: new Date(now - 60_000),
      notAfter: new Date(now + 3_600_000),
    });
    return connect({ keyPem: privateKeyPem(privateKey), certPem });
  };

  it("admits a host with a token, which then calls with its certificate", async () => {
    const { publicKey, privateKey } = await generateRsaKeyPair();
    const base64 = (text: string) => Buffer.from(text).toString("base64");
    const packed = await connect().registerUsingToken({
      ...(await joinRequest("static-node-token", "Node", NODE)),
      public_ssh_key: base64(sshPublicLine(publicKey)),
      public_tls_key: base64(publicKey.export({ type: "spki", format: "pem" }) as string),
    });
    const node = connect({
      keyPem: privateKeyPem(privateKey),
      certPem: Buffer.from(packed.tls_cert, "base64").toString(),
    });
    assert.equal(await node.getDomainName(), "example.test");
    const { serverName } = await node.upsertNode({
      kind: "node",
      version: "v2",
      metadata: { name: NODE, labels: { env: "prod" } },
      spec: { addr: "0.0.0.0:3022", hostname: "node1" },
    });
    assert.equal(serverName, NODE);
    assert.equal((await auth.as("Admin").getNodes("default"))[0]?.spec.addr, "127.0.0.1:3022");
    await assert.rejects(node.getTokens(), REFUSED);
  });

  it("gives users what their roles give them", async () => {
    await signUp(auth, "alice", "correct horse");
    const alice = await forge("user", "alice", ["admin"]);
    assert.deepEqual(await alice.getNodes("default"), []);
    await assert.rejects(alice.getTokens(), REFUSED);
    await assert.rejects(alice.getUsers(), REFUSED);
  });

  it("gives those without a certificate what anybody may have, and no more", async () => {
    const nobody = connect();
    assert.equal(await nobody.getClusterCaCert(), await auth.as("Admin").getClusterCaCert());
    await assert.rejects(nobody.getCertAuthorities("host"), REFUSED);
    await assert.rejects(nobody.getUsers(), REFUSED);
  });

  it("takes system roles from the host authority only", async () => {
    for (const role of ["Admin", "Node", "Proxy", "ADMIN", "proxy"]) {
      const forged = await forge("user", `${AUTH_HOST}.example.test`, [role]);
      await assert.rejects(forged.getDomainName(), REFUSED, role);
    }
    const both = await forge("user", "alice", ["admin", "Admin"]);
    await assert.rejects(both.getTokens(), REFUSED);
    const admin = await forge("host", `${AUTH_HOST}.example.test`, ["Admin"]);
    assert.equal((await admin.getTokens()).length, 1);
  });

  it("takes user roles from the user authority only", async () => {
    const forged = await forge("host", "alice", ["admin"]);
    await assert.rejects(forged.getNodes("default"), REFUSED);
  });
});
