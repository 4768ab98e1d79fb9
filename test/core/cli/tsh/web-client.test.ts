import assert from "node:assert/strict";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { createServer, type Server } from "node:https";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import path from "node:path";
import { createWebClient, type WebClient } from "../../../../core/cli/tsh/web-client.js";
import { hasCode } from "../../../../core/errors/error.js";
import { generateRsaKeyPair, privateKeyPem } from "../../../../core/pki/keys.js";
import { createTlsAuthority, issueTlsCertificate } from "../../../../core/pki/x509.js";
import { temporaryFolder } from "../../../kit/paths.js";

const LOGIN = {
  user: "alice",
  password: "pass",
  otpToken: "123456",
  publicKeyLine: "ssh-rsa AAAA\n",
  ttlMs: 60_000,
  routeToCluster: "",
};
const PING = {
  auth: { type: "local", second_factor: "otp" },
  proxy: { ssh: { listen_addr: "0.0.0.0:3023" } },
};

describe("the client of the proxy's web API", () => {
  let server: Server;
  let port: number;
  let folder: string;
  let remove: () => Promise<void>;
  let answer: (request: IncomingMessage, reply: ServerResponse) => void;
  const environment = { ...process.env };

  before(async () => {
    ({ folder, remove } = await temporaryFolder());
    const [authorityKey, key] = await Promise.all([generateRsaKeyPair(), generateRsaKeyPair()]);
    const now = new Date();
    const authority = createTlsAuthority("web.test", authorityKey, now);
    const cert = issueTlsCertificate({
      subject: { username: "127.0.0.1", roles: ["Proxy"] },
      publicKey: key.publicKey,
      authority: { certPem: authority, key: authorityKey.privateKey },
      notBefore: new Date(now.getTime() - 60_000),
      notAfter: new Date(now.getTime() + 3_600_000),
      dnsNames: ["127.0.0.1"],
    });
    writeFileSync(path.join(folder, "ca.pem"), authority);
    server = createServer({ key: privateKeyPem(key.privateKey), cert }, (request, reply) =>
      answer(request, reply),
    );
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    ({ port } = server.address() as AddressInfo);
  });
  beforeEach(() => {
    process.env["SSL_CERT_FILE"] = path.join(folder, "ca.pem");
    answer = (_request, reply) => reply.end(JSON.stringify(PING));
  });
  afterEach(() => {
    process.env = { ...environment };
  });
  after(async () => {
    server.closeAllConnections();
    server.close();
    await remove();
  });

  const client = (host = "127.0.0.1", timeoutMs?: number): WebClient =>
    createWebClient({ address: { host, port }, insecure: false, timeoutMs });

  it("reads a ping", async () => {
    const ping = await client().ping();
    assert.equal(ping.secondFactor, "otp");
    assert.equal(ping.sshListenAddress, "0.0.0.0:3023");
  });

  it("sends a login as 4.2 does", async () => {
    let sent = "";
    answer = (request, reply) => {
      request.on("data", (chunk: Buffer) => (sent += chunk.toString()));
      request.on("end", () => {
        const signer = { domain_name: "c", checking_keys: [], tls_certs: [] };
        reply.end(
          JSON.stringify({ username: "alice", cert: "YQ==", tls_cert: "Yg==", host_signers: [signer] }),
        );
      });
    };
    assert.equal((await client().login(LOGIN)).username, "alice");
    assert.deepEqual(JSON.parse(sent), {
      user: "alice",
      password: "pass",
      hotp_token: "",
      otp_token: "123456",
      pub_key: Buffer.from("ssh-rsa AAAA\n").toString("base64"),
      ttl: 60_000_000_000,
      RouteToCluster: "",
    });
  });

  it("throws what the proxy says, by its status", async () => {
    answer = (_request, reply) => {
      reply.statusCode = 403;
      reply.end('{"message":"invalid username or password"}');
    };
    await assert.rejects(client().login(LOGIN), (error) => {
      return hasCode(error, "access_denied") && (error as Error).message === "invalid username or password";
    });
  });

  it("refuses a certificate of an unknown authority and names the ways out", async () => {
    delete process.env["SSL_CERT_FILE"];
    await assert.rejects(client().ping(), /signed by no trusted authority.*SSL_CERT_FILE.*--insecure/);
  });

  it("refuses a certificate for another name", async () => {
    await assert.rejects(client("localhost").ping(), /not valid.*--insecure/);
  });

  it("takes any certificate where told to", async () => {
    delete process.env["SSL_CERT_FILE"];
    const insecure = createWebClient({ address: { host: "127.0.0.1", port }, insecure: true });
    assert.equal((await insecure.ping()).authType, "local");
  });

  for (const [name, body] of [
    ["no JSON", "404 page not found\n"],
    ["other JSON", "{}"],
    ["null", "null"],
    ["no list", '{"auth":[]}'],
  ] as const) {
    it(`says that this is no proxy: ${name}`, async () => {
      answer = (_request, reply) => reply.end(body);
      await assert.rejects(client().ping(), /check --proxy/);
    });
  }

  it("stops reading an endless reply", async () => {
    answer = (_request, reply) => {
      const write = (): void => {
        if (!reply.destroyed) reply.write(Buffer.alloc(64 * 1024), write);
      };
      write();
    };
    await assert.rejects(client().ping(), /too long/);
  });

  it("does not wait for ever", async () => {
    answer = () => undefined;
    await assert.rejects(client("127.0.0.1", 50).ping(), /no answer in time/);
  });

  it("says where nobody answers", async () => {
    const nowhere = createWebClient({ address: { host: "127.0.0.1", port: 1 }, insecure: false });
    await assert.rejects(nowhere.ping(), (error) => {
      return hasCode(error, "unavailable") && (error as Error).message.includes("https://127.0.0.1:1");
    });
  });
});
