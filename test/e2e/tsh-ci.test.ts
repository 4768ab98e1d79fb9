/** tsh where nobody sits before it: identity files, no terminal, and an HTTP proxy on the way out. */
import assert from "node:assert/strict";
import { existsSync, mkdirSync } from "node:fs";
import { once } from "node:events";
import { createServer, type Server } from "node:http";
import { connect, type AddressInfo, type Socket } from "node:net";
import path from "node:path";
import { startDaemon, type Daemon } from "./kit/daemon.js";
import { Tsh } from "./kit/tsh.js";
import { addUser, PASSWORD } from "./kit/users.js";

const LOGIN = process.env.USER ?? "root";
const AT_NODE = `${LOGIN}@node1`;
/** Has the clock of a Node program run two hours ahead. */
const HOURS_AHEAD = `data:text/javascript,${encodeURIComponent(
  "const D = Date; globalThis.Date = class extends D {" +
    "constructor(...a) { super(...(a.length ? a : [D.now() + 72e5])); } static now() { return D.now() + 72e5; } };",
)}`;
/** A name that only the HTTP proxy can resolve. */
const PROXY_HOST = "teleport.example.test";
const CREDENTIALS = "ci:s3cret";

describe("e2e: tsh without a user", function () {
  this.timeout(120_000);
  let daemon: Daemon;
  let machine: Tsh;
  let identity: string;
  let httpProxy: Server;
  let httpProxyPort: number;
  const tunnels: string[] = [];

  before(async () => {
    daemon = await startDaemon({ proxy_service: { ssh_public_addr: ["127.0.0.1", PROXY_HOST] } });
    await addUser(daemon, "ci", LOGIN);
    machine = new Tsh(daemon, "ci");
    identity = path.join(daemon.folder, "ci.pem");
    await daemon.tctl("auth", "sign", "--user=ci", "--ttl=1h", `--out=${identity}`);
    httpProxy = createServer((_request, reply) => reply.writeHead(400).end());
    httpProxy.on("connect", (request, socket: Socket) => {
      const wanted = `Basic ${Buffer.from(CREDENTIALS).toString("base64")}`;
      if (request.headers["proxy-authorization"] !== wanted) {
        socket.end("HTTP/1.1 407 Proxy Authentication Required\r\n\r\n");
        return;
      }
      tunnels.push(request.url ?? "");
      const port = Number(request.url?.split(":").at(-1));
      const onward = connect(port, "127.0.0.1", () => {
        socket.write("HTTP/1.1 200 OK\r\n\r\n");
        socket.pipe(onward).pipe(socket);
      });
      onward.on("error", () => socket.destroy());
      socket.on("error", () => onward.destroy());
    });
    httpProxy.listen(0, "127.0.0.1");
    await once(httpProxy, "listening");
    httpProxyPort = (httpProxy.address() as AddressInfo).port;
  });
  after(async () => {
    httpProxy?.close();
    await daemon?.remove();
  });

  const through = (credentials = `${CREDENTIALS}@`): Record<string, string> => ({
    HTTPS_PROXY: `http://${credentials}127.0.0.1:${httpProxyPort}`,
  });
  const direct = (): string => `--proxy=127.0.0.1:${daemon.ports.web},${daemon.ports.ssh}`;
  const named = (): string => `--proxy=${PROXY_HOST}:${daemon.ports.web},${daemon.ports.ssh}`;

  it("-i runs commands, and leaves no profile and no key in the agent", async () => {
    const socket = path.join(daemon.folder, "no-agent.sock");
    const { code, stdout, stderr } = await machine.run(
      ["-i", identity, direct(), "ssh", AT_NODE, "echo hi; exit 5"],
      {
        env: { SSH_AUTH_SOCK: socket },
      },
    );
    assert.equal(code, 5, stderr);
    assert.equal(stdout, "hi\n");
    assert.equal(existsSync(machine.home), false);
  });

  it("-i warns of a certificate that has expired, in 4.2's words", async () => {
    const { stderr } = await machine.run(["-i", identity, direct(), "clusters"], {
      env: { NODE_OPTIONS: `--import=${HOURS_AHEAD}` },
    });
    assert.match(
      stderr,
      /^WARNING: the certificate has expired on \d{4}-\d\d-\d\d \d\d:\d\d:\d\d \+0000 UTC\n/,
    );
  });

  it("-i reaches web and SSH through the HTTP proxy, by names that only that resolves", async () => {
    const args = ["-i", identity, named(), "ssh", AT_NODE, "echo hi"];
    const { code, stdout, stderr } = await machine.run(args, { env: through() });
    assert.equal(code, 0, stderr);
    assert.equal(stdout, "hi\n");
    assert.deepEqual(tunnels, [`${PROXY_HOST}:${daemon.ports.ssh}`]);
  });

  it("a login goes through it, too", async () => {
    tunnels.length = 0;
    const home = path.join(daemon.folder, "tsh-proxied");
    mkdirSync(home, { mode: 0o700 });
    const env = { ...through(), TELEPORT_HOME: home };
    const login = ["login", named(), "--user=ci", "--insecure"];
    const { code, stderr } = await machine.run(login, { env, input: `${PASSWORD}\n` });
    assert.equal(code, 0, stderr);
    assert.ok(tunnels.includes(`${PROXY_HOST}:${daemon.ports.web}`), tunnels.join());
    assert.ok(tunnels.includes(`${PROXY_HOST}:${daemon.ports.ssh}`), tunnels.join());
  });

  it("says what the HTTP proxy wants, and never the password", async () => {
    const args = ["-i", identity, named(), "ls"];
    for (const [credentials, message] of [
      ["ci:wr0ng@", /asks for a user and password/],
      ["", /asks for a user and password/],
    ] as const) {
      const { code, stderr } = await machine.run(args, { env: through(credentials) });
      assert.equal(code, 1);
      assert.match(stderr, message);
      assert.doesNotMatch(stderr, /wr0ng/);
    }
    const unused = { ...through(), NO_PROXY: ".example.test" };
    const { code, stderr } = await machine.run(args, { env: unused });
    assert.equal(code, 1);
    assert.match(stderr, /cannot reach the proxy at teleport\.example\.test/);
  });

  it("asks nothing without a terminal, but ends with what to do", async () => {
    const { code, stderr } = await machine.run([direct(), "--user=ci", "ls"]);
    assert.equal(code, 1);
    assert.match(stderr, /^error: ci is not logged in: log in with tsh login --proxy=127\.0\.0\.1\n$/);
    const stranger = await machine.run(["login", direct(), "--user=ci", "--insecure"]);
    assert.equal(stranger.code, 1);
    assert.match(stranger.stderr, /the input ended before it was answered/);
  });

  it("status, clusters and env speak JSON", async () => {
    const clusters = await machine.run(["-i", identity, direct(), "clusters", "--format=json"]);
    assert.deepEqual(JSON.parse(clusters.stdout), [
      { cluster_name: "example.test", status: "online", cluster_type: "root", selected: true },
    ]);
    const status = JSON.parse((await machine.run(["status", "--format=json"])).stdout) as object;
    assert.deepEqual(status, { active: null, profiles: [] });
  });
});
