import assert from "node:assert/strict";
import { createServer as createHttpsServer } from "node:https";
import type { AddressInfo } from "node:net";
import { joinCluster, type JoinOptions } from "../../../../core/auth/client/join.js";
import type { AuthApi, PackedKeys, RegisterRequest } from "../../../../core/auth/client/api.js";
import { accessDenied, type CodedError } from "../../../../core/errors/error.js";
import { caPin } from "../../../../core/pki/ca-pin.js";
import { generateRsaKeyPair, parsePublicKeyPem, type KeyPair } from "../../../../core/pki/keys.js";
import { issueSshCertificate } from "../../../../core/pki/ssh-certificate.js";
import { parseAuthorizedKey, sshPublicBlob, sshPublicLine } from "../../../../core/pki/ssh-key.js";
import { issueTlsCertificate } from "../../../../core/pki/x509.js";
import { systemClock } from "../../../../core/plugin/clock.js";
import { silentLogger, type Logger } from "../../../../core/plugin/logger.js";
import { TestPki } from "../api/test-pki.js";
import { startTestServer, type TestServer } from "../api/test-server.js";
import { FakeClock } from "./fake-clock.js";

const HOST_ID = "33333333-2222-4333-8444-555555555555";
const OTHER_PIN = `sha256:${"0".repeat(64)}`;

describe("joinCluster", () => {
  let pki: TestPki;
  let sshAuthority: KeyPair;
  let server: TestServer;
  let register: (request: RegisterRequest) => Promise<PackedKeys>;
  const requests: RegisterRequest[] = [];

  const behind: Partial<AuthApi> = {
    getClusterCaCert: async () => pki.hostAuthorityPem,
    registerUsingToken: (request) => {
      requests.push(request);
      return register(request);
    },
  };
  before(async () => {
    [pki, sshAuthority] = await Promise.all([TestPki.create("wire.test"), generateRsaKeyPair()]);
    server = await startTestServer(pki, behind);
  });
  after(() => server.close());
  beforeEach(() => {
    requests.length = 0;
    register = async (request) => packed(request);
  });

  /** What an auth server answers, with parts replaced. */
  function packed(
    request: RegisterRequest,
    change: { role?: string; hostId?: string; key?: KeyPair } = {},
  ): PackedKeys {
    const { role = request.role, hostId = request.hostID, key } = change;
    const now = Date.now();
    const line = Buffer.from(request.public_ssh_key, "base64").toString();
    const cert = issueSshCertificate(
      {
        type: "host",
        publicBlob: key ? sshPublicBlob(key.publicKey) : parseAuthorizedKey(line).blob,
        keyId: "",
        principals: [`${hostId}.wire.test`, hostId, ...(request.additional_principals ?? [])],
        validAfter: new Date(now - 60_000),
        validBefore: null,
        extensions: { "x-teleport-authority": "wire.test", "x-teleport-role": role },
      },
      sshAuthority.privateKey,
    );
    const tls = issueTlsCertificate({
      subject: { username: `${hostId}.wire.test`, roles: [role] },
      publicKey: parsePublicKeyPem(Buffer.from(request.public_tls_key, "base64")),
      authority: pki.authorityOf("host"),
      notBefore: new Date(now - 60_000),
      notAfter: new Date(now + 3600_000),
    });
    return {
      key: null,
      cert: base64(cert),
      tls_cert: base64(tls),
      tls_ca_certs: [base64(pki.hostAuthorityPem)],
      ssh_ca_certs: [base64(sshPublicLine(sshAuthority.publicKey))],
    };
  }

  function join(options: Partial<JoinOptions> = {}): ReturnType<typeof joinCluster> {
    return joinCluster({
      addresses: [server.address],
      token: "nodetoken",
      role: "Node",
      hostId: HOST_ID,
      nodeName: "node1",
      principals: ["node1", "127.0.0.1"],
      dnsNames: [],
      caPins: [caPin(pki.hostAuthorityPem)],
      log: silentLogger,
      clock: systemClock,
      signal: new AbortController().signal,
      ...options,
    });
  }

  /** Joins until the first failure is logged, then gives up; returns what was logged. */
  async function firstFailure(options: Partial<JoinOptions> = {}): Promise<string> {
    const stop = new AbortController();
    const clock = new FakeClock(new Date());
    const { log, lines } = recordingLog();
    const joining = join({ log, clock, signal: stop.signal, ...options });
    await clock.sleeping();
    stop.abort(new Error("given up"));
    await assert.rejects(joining, { message: "given up" });
    return lines.join("\n");
  }

  it("trades the token for an identity", async () => {
    const identity = await join();
    assert.equal(identity.hostId, HOST_ID);
    assert.equal(identity.clusterName, "wire.test");
    assert.equal(identity.role, "Node");
    assert.match(identity.sshCertificate, /^ssh-rsa-cert-v01@openssh.com /);
    assert.deepEqual(identity.tlsAuthorities, [pki.hostAuthorityPem]);
    assert.match(identity.keyPem, /^-----BEGIN RSA PRIVATE KEY-----/);
    const [request] = requests;
    assert.deepEqual(request?.additional_principals, ["node1", "127.0.0.1"]);
    assert.equal(request?.token, "nodetoken");
    assert.doesNotMatch(JSON.stringify(request), /PRIVATE/);
  });

  it("refuses another cluster than the pin's before it sends the token", async () => {
    await assert.rejects(join({ caPins: [OTHER_PIN] }), {
      code: "access_denied",
      message: /CA pin is sha256:/,
    });
    await assert.rejects(join({ caPins: ["sha256:short"] }), { code: "bad_parameter" });
    assert.deepEqual(requests, []);
  });

  it("takes any of several pins, in whatever order, and no cluster of another one", async () => {
    const right = caPin(pki.hostAuthorityPem);
    for (const caPins of [
      [OTHER_PIN, right],
      [right, OTHER_PIN],
    ]) {
      assert.equal((await join({ caPins })).hostId, HOST_ID);
    }
    requests.length = 0;
    const others = [OTHER_PIN, `sha256:${"1".repeat(64)}`];
    await assert.rejects(join({ caPins: others }), { code: "access_denied", message: /CA pin is sha256:/ });
    assert.deepEqual(requests, []);
  });

  it("sends no token to a server that shows the pinned authority but is not of it", async () => {
    const stranger = await TestPki.create("wire.test");
    const impostor = await startTestServer(stranger, behind);
    const logged = await firstFailure({ addresses: [impostor.address] });
    assert.match(logged, /not issued by the cluster's authority/);
    assert.deepEqual(requests, []);
    await impostor.close();
  });

  it("warns where there is no pin, and says what to set", async () => {
    const { log, lines } = recordingLog();
    await join({ caPins: [], log });
    assert.deepEqual(
      lines.map((line) => line.split(":")[0]),
      ["warn joining without a CA pin"],
    );
    assert.ok(lines[0]?.includes(caPin(pki.hostAuthorityPem)));
  });

  it("reports a refused token clearly, and joins once it is accepted", async () => {
    const clock = new FakeClock(new Date());
    const { log, lines } = recordingLog();
    const refusal = `"node1" [${HOST_ID}] can not join the cluster with role Node, the token is not valid`;
    register = () => Promise.reject(accessDenied(refusal));
    const joining = join({ log, clock });
    const waits = [];
    for (let i = 0; i < 3; i++) {
      const [wait = 0] = await clock.sleeping();
      waits.push(wait);
      if (i === 2) register = async (request) => packed(request);
      clock.advance(wait);
    }
    assert.equal((await joining).hostId, HOST_ID);
    assert.equal(lines.length, 3);
    assert.ok(lines[0]?.includes(refusal));
    assert.match(lines[0] ?? "", /tctl tokens add --type=node/);
    assert.doesNotMatch(lines.join(), /nodetoken/);
    for (const [i, wait] of waits.entries())
      assert.ok(wait >= 500 && wait <= 500 + 2_000 * 2 ** i, `${wait}`);
  });

  it("keeps trying while no server answers", async () => {
    assert.match(await firstFailure({ addresses: ["127.0.0.1:1"] }), /connection refused/);
    assert.match(await firstFailure({ addresses: [] }), /set auth_servers/);
  });

  it("goes on to the next address", async () => {
    assert.equal((await join({ addresses: ["127.0.0.1:1", server.address] })).hostId, HOST_ID);
  });

  it("stops when told to", async () => {
    const stop = new AbortController();
    register = () => new Promise(() => stop.abort(new Error("stopping")));
    await assert.rejects(join({ signal: stop.signal }), { message: "stopping" });
  });

  it("uses no identity that is not for its own key, host and role", async () => {
    const stranger = await generateRsaKeyPair();
    const wrong: [object, RegExp][] = [
      [{ key: stranger }, /SSH certificate is for another key/],
      [{ role: "Admin" }, /has the role 'Admin' instead of Node/],
      [{ hostId: "44444444-2222-4333-8444-555555555555" }, /certificate is not for 33333333/],
    ];
    for (const [change, text] of wrong) {
      register = async (request) => packed(request, change);
      assert.match(await firstFailure(), text);
    }
    register = async (request) => ({
      ...packed(request),
      tls_ca_certs: [base64(pki.authorityOf("user").certPem)],
    });
    assert.match(await firstFailure(), /not issued by the authority that came with it/);
    register = async (request) => ({
      ...packed(request),
      ssh_ca_certs: [base64(sshPublicLine(stranger.publicKey))],
    });
    assert.match(await firstFailure(), /cannot join the cluster: /);
  });

  describe("through a proxy's web port", () => {
    let web: ReturnType<typeof createHttpsServer>;
    let address: string;
    const paths: string[] = [];
    let tells = true;
    before(async () => {
      const { keyPem, certPem } = pki.server(["localhost"]);
      web = createHttpsServer({ key: keyPem, cert: certPem }, (request, response) => {
        paths.push(`${request.method} ${request.url}`);
        if (request.url === "/v1/webapi/host/authority" && tells) {
          response.end(JSON.stringify({ tls_ca: base64(pki.hostAuthorityPem) }));
          return;
        }
        if (request.url !== "/v1/webapi/host/credentials") {
          response.writeHead(404, { "content-type": "text/plain" }).end("404 page not found\n");
          return;
        }
        const chunks: Buffer[] = [];
        request.on("data", (chunk: Buffer) => chunks.push(chunk));
        request.on("end", () => {
          register(JSON.parse(Buffer.concat(chunks).toString()) as RegisterRequest).then(
            (keys) => response.end(JSON.stringify(keys)),
            (error: CodedError) => response.writeHead(403).end(JSON.stringify({ message: error.message })),
          );
        });
      });
      await new Promise<void>((resolve) => web.listen(0, "127.0.0.1", resolve));
      address = `127.0.0.1:${(web.address() as AddressInfo).port}`;
    });
    after(() => web.close());
    beforeEach(() => {
      paths.length = 0;
      tells = true;
    });

    it("joins", async () => {
      assert.equal((await join({ addresses: [address], insecure: true })).hostId, HOST_ID);
      assert.deepEqual(paths, [
        "GET /v2/cacert",
        "GET /v1/webapi/host/authority",
        "POST /v1/webapi/host/credentials",
      ]);
    });

    it("sends nothing to a proxy whose certificate is not trusted", async () => {
      assert.match(
        await firstFailure({ addresses: [address] }),
        /the proxy 127.* cannot be used: .*certificate/,
      );
      assert.deepEqual(paths, ["GET /v2/cacert"]);
    });

    it("sends no token to a proxy that does not tell its cluster's authority, where there is a pin", async () => {
      tells = false;
      assert.match(await firstFailure({ addresses: [address], insecure: true }), /the token was not sent/);
      assert.deepEqual(requests, []);
      assert.ok(!paths.includes("POST /v1/webapi/host/credentials"));
    });

    it("sends no token to the proxy of another cluster than the pin's", async () => {
      await assert.rejects(join({ addresses: [address], insecure: true, caPins: [OTHER_PIN] }), {
        code: "access_denied",
      });
      assert.ok(!paths.includes("POST /v1/webapi/host/credentials"));
    });

    it("passes on why the token was refused", async () => {
      register = () => Promise.reject(accessDenied("the token is not valid"));
      assert.match(await firstFailure({ addresses: [address], insecure: true }), /the token is not valid/);
    });
  });
});

function recordingLog(): { log: Logger; lines: string[] } {
  const lines: string[] = [];
  const write =
    (level: string) =>
    (message: string): void => {
      lines.push(`${level} ${message}`);
    };
  const log: Logger = { ...silentLogger, warn: write("warn"), error: write("error"), child: () => log };
  return { log, lines };
}

function base64(text: string): string {
  return Buffer.from(text).toString("base64");
}
