import assert from "node:assert/strict";
import { connectAuth } from "../../../../core/auth/client/connect.js";
import type { AuthApi } from "../../../../core/auth/client/api.js";
import { TestPki } from "../api/test-pki.js";
import { startTestServer, type TestServer } from "../api/test-server.js";

describe("connectAuth", () => {
  let pki: TestPki;
  let server: TestServer;
  let api: AuthApi;
  before(async () => {
    pki = await TestPki.create("wire.test");
    server = await startTestServer(pki, {
      getDomainName: async () => "wire.test",
      ping: async () => ({ clusterName: "wire.test", serverVersion: "4.2.12" }),
    });
    api = connectAuth({
      addresses: [server.address],
      credentials: pki.host("Node"),
      authorities: [pki.hostAuthorityPem],
    });
  });
  after(async () => {
    await api.close();
    await server.close();
  });

  it("calls REST", async () => {
    assert.equal(await api.getDomainName(), "wire.test");
    assert.equal(server.callers.at(-1)?.peer?.identity.roles[0], "Node");
    assert.equal(server.callers.at(-1)?.peer?.authority.type, "host");
  });

  it("calls gRPC", async () => {
    assert.deepEqual(await api.ping(), { clusterName: "wire.test", serverVersion: "4.2.12" });
  });
});
