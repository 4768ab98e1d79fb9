import { connectAuth } from "../../../../core/auth/client/connect.js";
import { complete, startTestServer } from "../api/test-server.js";
import { TestPki } from "../api/test-pki.js";
import { apiContract } from "./api-contract.js";

let pki: Promise<TestPki> | undefined;

apiContract("mutual TLS", async (behind) => {
  const authority = await (pki ??= TestPki.create("wire.test"));
  const server = await startTestServer(authority, behind);
  const api = connectAuth({
    addresses: [server.address],
    credentials: authority.host("Proxy"),
    authorities: [authority.hostAuthorityPem],
  });
  return {
    api,
    async close() {
      await api.close();
      await server.close();
    },
  };
});

apiContract("a call in the same process", async (behind) => ({
  api: complete(behind),
  close: async () => undefined,
}));
