import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { unavailable } from "../../../core/errors/error.js";
import { SshWriter } from "../../../core/pki/ssh-wire.js";
import { freePorts } from "../../e2e/kit/ports.js";
import { LOGIN, NodeFixture, role } from "./node-fixture.js";
import { needPrograms } from "./stock-programs.js";

describe("port forwarding, by stock ssh", function () {
  this.timeout(60_000);
  let node: NodeFixture;
  let target: Server;
  let serve: (socket: Socket) => void = () => undefined;
  before(async function () {
    needPrograms(this, "ssh", "ssh-keygen");
    const closed = role("closed", { options: { port_forwarding: false } });
    node = await new NodeFixture({ roles: [role("admin"), closed] }).start();
    target = createServer({ allowHalfOpen: true }, (socket) => serve(socket));
    await new Promise<void>((resolve) => target.listen(0, "127.0.0.1", resolve));
    node.writeIdentity("closed", { roles: ["closed"] });
  });
  after(async () => {
    target?.close();
    await node?.close();
  });
  beforeEach(() => {
    node.auth.events.length = 0;
    node.auth.auditError = undefined;
  });

  const targetAddress = (): string => `127.0.0.1:${(target.address() as AddressInfo).port}`;

  /** `ssh -W`: the client's own streams become the connection. */
  function through(identity = "id", address = targetAddress()): ReturnType<typeof spawn> {
    const options = [...node.clientOptions(identity), "-p", String(node.port), "-l", LOGIN, "-W", address];
    return spawn("ssh", [...options, "127.0.0.1"], { stdio: ["pipe", "pipe", "pipe"] });
  }

  async function collect(stream: NodeJS.ReadableStream | null): Promise<Buffer> {
    const chunks: Buffer[] = [];
    for await (const chunk of stream ?? []) chunks.push(chunk as Buffer);
    return Buffer.concat(chunks);
  }

  it("keeps both halves apart: an answer that follows the end of the request arrives", async () => {
    serve = (socket) => {
      const hash = createHash("sha256");
      socket.on("data", (chunk: Buffer) => hash.update(chunk));
      socket.on("end", () => socket.end(hash.digest("hex")));
    };
    const data = randomBytes(5 << 20);
    const client = through();
    client.stdin?.end(data);
    assert.equal(String(await collect(client.stdout)), createHash("sha256").update(data).digest("hex"));
    const event = await node.auth.waitFor(({ event: name }) => name === "port");
    assert.equal(event["code"], "T3003I");
    assert.equal(event["addr"], targetAddress());
    assert.equal(event["success"], true);
    const sent = await node.auth.waitFor(({ event: name }) => name === "session.data");
    assert.equal(sent["rx"], data.length);
    assert.equal(sent["tx"], 64);
  });

  it("lets the target end first", async () => {
    const data = randomBytes(5 << 20);
    let received: Promise<Buffer> | undefined;
    serve = (socket) => {
      received = collect(socket);
      socket.end("hello");
    };
    // Stock ssh ends its own half when the target does, so this takes the product's client.
    const client = await node.connect();
    const [host, port] = targetAddress().split(":");
    const payload = new SshWriter().string(host!).uint32(Number(port)).string("127.0.0.1").uint32(0);
    const channel = await client.openChannel("direct-tcpip", payload.toBuffer());
    assert.equal(String(await collect(channel)), "hello");
    channel.end(data);
    await once(channel, "finish");
    await channel.whenClosed;
    client.disconnect("done");
    assert.equal(Buffer.compare((await received) ?? Buffer.alloc(0), data), 0);
  });

  it("has its bytes on record when the node has closed, also where auth was away at first", async () => {
    serve = (socket) => socket.pipe(socket).on("error", () => undefined);
    const closing = await new NodeFixture().start();
    const client = await closing.connect();
    const [host, port] = targetAddress().split(":");
    const payload = new SshWriter().string(host!).uint32(Number(port)).string("127.0.0.1").uint32(0);
    const channel = await client.openChannel("direct-tcpip", payload.toBuffer());
    channel.write("four");
    await once(channel, "data");
    closing.auth.auditError = unavailable("auth is away");
    const closed = closing.close();
    await client.whenClosed;
    await new Promise((resolve) => setImmediate(resolve));
    closing.auth.auditError = undefined;
    await closed;
    const carried = closing.auth.events.find(({ event }) => event === "session.data");
    assert.deepEqual([carried?.["addr"], carried?.["rx"], carried?.["tx"]], [targetAddress(), 4, 4]);
  });

  it("serves several connections of one client at once", async () => {
    serve = (socket) => socket.pipe(socket);
    const [port] = (await freePorts(1)) as [number];
    const options = [...node.clientOptions(), "-p", String(node.port), "-l", LOGIN, "-N", "-v"];
    const client = spawn("ssh", [...options, "-L", `${port}:${targetAddress()}`, "127.0.0.1"]);
    let log = "";
    await new Promise<void>((resolve) =>
      client.stderr.on("data", (chunk: Buffer) => {
        log += chunk.toString();
        if (log.includes("Entering interactive session")) resolve();
      }),
    );
    const echoes = await Promise.all(
      Array.from({ length: 10 }, async (_, i) => {
        const socket = connect(port, "127.0.0.1");
        socket.end(`message ${i}`);
        return String(await collect(socket));
      }),
    );
    assert.deepEqual(
      echoes,
      echoes.map((_, i) => `message ${i}`),
    );
    client.kill();
    await once(client, "close");
  });

  it("is refused and audited where no role allows it", async () => {
    const client = through("closed");
    assert.match(String(await collect(client.stderr)), /port forwarding not allowed/);
    const event = await node.auth.waitFor(({ event: name }) => name === "port");
    assert.equal(event["code"], "T3003E");
    assert.equal(event["success"], false);
  });

  it("tells and audits that the target does not answer", async () => {
    const client = through("id", "127.0.0.1:1");
    assert.match(String(await collect(client.stderr)), /ECONNREFUSED/);
    const event = await node.auth.waitFor(({ event: name }) => name === "port");
    assert.equal(event["code"], "T3003E");
  });

  it("carries nothing that cannot be audited", async () => {
    let bytes = 0;
    serve = (socket) => {
      socket.on("error", () => undefined);
      socket.on("data", (chunk: Buffer) => (bytes += chunk.length));
    };
    node.auth.auditError = unavailable("the disk is full");
    const client = through();
    client.stdin?.on("error", () => undefined);
    client.stdin?.end("secret");
    assert.match(String(await collect(client.stderr)), /cannot be audited: the disk is full/);
    assert.equal(bytes, 0);
  });

  it("offers the client's agent to programs of the login", async function () {
    needPrograms(this, "ssh-agent", "ssh-add");
    const options = [
      ...node.clientOptions("id", "SSH_AUTH_SOCK"),
      "-A",
      "-p",
      String(node.port),
      "-l",
      LOGIN,
    ];
    const command = [
      `ssh-add -q ${node.directory}/id 2>/dev/null`,
      `ssh ${options.join(" ")} 127.0.0.1 'ssh-add -l; stat -c %a $SSH_AUTH_SOCK'`,
    ].join("; ");
    const child = spawn("ssh-agent", ["sh", "-c", command], { stdio: ["ignore", "pipe", "inherit"] });
    const text = String(await collect(child.stdout));
    assert.match(text, /ED25519/);
    assert.match(text, /^600$/m);
  });
});
