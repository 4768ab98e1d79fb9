import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Server } from "node:net";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { SshReader } from "../../../core/pki/ssh-wire.js";
import type { SshChannel, SshConnection } from "../../../core/ssh/contract.js";
import { DEFAULT_LIMITS } from "../../../core/ssh/limits.js";
import { KEY_KINDS } from "./authority.js";
import { Loopback } from "./loopback.js";
import { needPrograms, OpenSsh, type ProgramResult } from "./openssh.js";

const MEGABYTE = 1024 * 1024;

/** What the test server does with the command of an exec request. */
type Command = (channel: SshChannel, command: string) => Promise<void>;

describe("createSshServer with the stock ssh client", function () {
  this.timeout(60_000);
  let openssh: OpenSsh;
  let loopback: Loopback;
  let listener: Server;
  let port: number;
  const commands = new Map<string, Command>();

  before(async function () {
    needPrograms(this, "/usr/bin/ssh");
    openssh = new OpenSsh();
    loopback = await Loopback.create({
      onConnection: serveCommands,
      limits: { ...DEFAULT_LIMITS, rekeyBytes: 8 * MEGABYTE },
    });
    listener = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
      const remote = `${String(socket.remoteAddress)}:${String(socket.remotePort)}`;
      loopback.server.accept(socket, { remote, local: `127.0.0.1:${String(socket.localPort)}` });
    });
    await new Promise<void>((resolve) => listener.listen(0, "127.0.0.1", resolve));
    port = (listener.address() as AddressInfo).port;
  });

  after(async () => {
    await loopback.server.close();
    listener.close();
    openssh.dispose();
  });

  function serveCommands(connection: SshConnection): void {
    connection.onChannel("direct-tcpip", (open) => {
      const reader = new SshReader(open.payload);
      const socket = connect({ host: reader.text(), port: reader.uint32(), allowHalfOpen: true });
      const channel = open.accept();
      channel.extended.resume();
      void Promise.allSettled([pipeline(socket, channel), pipeline(channel, socket)]).then(() =>
        channel.close(),
      );
    });
    connection.onChannel("session", (open) => {
      const channel = open.accept();
      channel.onRequest(({ name, payload }) => {
        if (name === "env") return true;
        if (name !== "exec") return false;
        const line = new SshReader(payload).text();
        const command = commands.get(line.split(" ")[0] ?? "");
        if (command === undefined) return false;
        setImmediate(() => void command(channel, line).finally(() => channel.close()));
        return true;
      });
    });
  }

  async function ssh(
    command: string,
    options: { input?: Buffer; user?: string; ssh?: string[]; before?: string[] } = {},
  ): Promise<ProgramResult> {
    const key = openssh.writeSigner("id", await loopback.authority.signer("user"));
    const args = openssh.clientArguments(port, key, loopback.authority.publicBlob, options.ssh);
    return openssh.run(
      "ssh",
      [
        ...args,
        ...(options.before ?? []),
        `${options.user ?? "root"}@127.0.0.1`,
        ...(command === "" ? [] : [command]),
      ],
      options.input,
    );
  }

  for (const host of KEY_KINDS) {
    for (const user of KEY_KINDS) {
      it(`takes a ${user} user certificate with a ${host} host certificate`, async () => {
        loopback.hostSigners.splice(0, 1, await loopback.authority.signer("host", host));
        commands.set("hello", async (channel) => {
          channel.write("hello\n");
          channel.exitStatus(0);
        });
        const key = openssh.writeSigner(`id-${user}`, await loopback.authority.signer("user", user));
        const args = openssh.clientArguments(port, key, loopback.authority.publicBlob);
        const result = await openssh.run("ssh", [...args, "-v", "root@127.0.0.1", "hello"]);
        assert.equal(result.stdout.toString(), "hello\n", result.stderr);
        assert.equal(result.status, 0);
        assert.match(
          result.stderr,
          /matches the (ED25519|ECDSA|RSA)-CERT host certificate|matches the .*-CERT/,
        );
      });
    }
  }

  it("settles on AES-GCM with stock options, and takes a client's own choice", async () => {
    assert.match(
      (await ssh("hello", { before: ["-v"] })).stderr,
      /server->client cipher: aes128-gcm@openssh.com/,
    );
    const chosen = await ssh("hello", { before: ["-v", "-c", "aes256-ctr"] });
    assert.match(chosen.stderr, /server->client cipher: aes256-ctr MAC: hmac-sha2-256-etm@openssh.com/);
    assert.equal(chosen.status, 0);
  });

  it("announces exact server-sig-algs", async () => {
    const result = await ssh("hello", { before: ["-v"] });
    assert.match(
      result.stderr,
      /server-sig-algs=<ssh-ed25519,ecdsa-sha2-nistp256,ecdsa-sha2-nistp384,ecdsa-sha2-nistp521,rsa-sha2-512,rsa-sha2-256,/,
    );
    assert.match(result.stderr, /SSH2_MSG_EXT_INFO received/);
  });

  it("refuses a login that is no principal of the certificate", async () => {
    const result = await ssh("hello", { user: "bob" });
    assert.equal(result.status, 255);
    assert.match(result.stderr, /Permission denied \(publickey\)/);
  });

  it("passes stdout, stderr and the exit status, also with every byte value", async () => {
    const bytes = Buffer.from(Array.from({ length: 4096 }, (_, i) => i & 255));
    commands.set("mixed", async (channel) => {
      channel.write(bytes);
      await channel.writeExtended(Buffer.from("oops\n"));
      channel.exitStatus(42);
    });
    const result = await ssh("mixed");
    assert.deepEqual(result.stdout, bytes);
    assert.equal(result.stderr, "oops\n");
    assert.equal(result.status, 42);
  });

  it("passes an exit signal", async () => {
    commands.set("die", async (channel) => channel.exitSignal("TERM", false, "terminated"));
    const result = await ssh("die", { before: ["-v"] });
    assert.equal(result.status, 255);
    assert.match(result.stderr, /exit-signal/);
  });

  it("answers after the client's end of input (half-close)", async () => {
    commands.set("digest", async (channel) => {
      const hash = createHash("sha256");
      for await (const chunk of channel) hash.update(chunk as Buffer);
      channel.write(hash.digest("hex"));
      channel.exitStatus(0);
    });
    const input = randomBytes(3 * MEGABYTE + 17);
    const result = await ssh("digest", { input });
    assert.equal(result.stdout.toString(), createHash("sha256").update(input).digest("hex"));
    assert.equal(result.status, 0);
  });

  it("carries 100 MB each way at once, with rekeying by the client", async () => {
    commands.set("echo", async (channel) => {
      await pipeline(channel, channel, { end: false });
      channel.exitStatus(0);
    });
    const input = randomBytes(100 * MEGABYTE);
    const result = await ssh("echo", { input, ssh: ["RekeyLimit=16M"], before: ["-v"] });
    assert.ok(result.stdout.equals(input), `${String(result.stdout.length)} bytes came back`);
    assert.ok((result.stderr.match(/SSH2_MSG_NEWKEYS received/g)?.length ?? 0) > 5, "no rekeying seen");
  });

  it("begins key exchanges by itself after so many bytes", async () => {
    const sent = randomBytes(64 * MEGABYTE);
    commands.set("push", async (channel) => {
      channel.write(sent);
      channel.exitStatus(0);
    });
    const result = await ssh("push", { before: ["-v"] });
    assert.ok(result.stdout.equals(sent), `${String(result.stdout.length)} bytes came`);
    const exchanges = result.stderr.match(/SSH2_MSG_KEXINIT received/g)?.length ?? 0;
    assert.ok(exchanges >= 6, `${String(exchanges)} key exchanges`);
  });

  it("forwards with -W", async () => {
    const target = await listen(createServer({ allowHalfOpen: true }, (socket) => socket.pipe(socket)));
    const input = randomBytes(500_000);
    const result = await ssh("", { input, before: ["-W", `127.0.0.1:${String(portOf(target))}`] });
    assert.ok(result.stdout.equals(input), result.stderr);
    target.close();
  });

  it("forwards with -L, and a target's early FIN leaves the other direction open", async () => {
    const counted = withResolvers<number>();
    const target = await listen(
      createServer({ allowHalfOpen: true }, (socket) => {
        let bytes = 0;
        socket.end("greeting");
        socket.on("data", (chunk) => (bytes += chunk.length));
        socket.on("end", () => counted.resolve(bytes));
      }),
    );
    const path = join(openssh.directory, "forward.sock");
    const key = openssh.writeSigner("id", await loopback.authority.signer("user"));
    const args = openssh.clientArguments(port, key, loopback.authority.publicBlob, [
      "ExitOnForwardFailure=yes",
    ]);
    commands.set("wait", async (channel) => {
      channel.write("ready");
      for await (const chunk of channel) void chunk;
    });
    const child = openssh.start("ssh", [
      ...args,
      "-L",
      `${path}:127.0.0.1:${String(portOf(target))}`,
      "root@127.0.0.1",
      "wait",
    ]);
    if (child.stdout) await once(child.stdout, "data");
    const socket = connect({ path, allowHalfOpen: true });
    let greeting = "";
    socket.on("data", (chunk) => (greeting += chunk.toString()));
    await once(socket, "end");
    socket.end(Buffer.alloc(500_000, 7));
    assert.equal(await counted.promise, 500_000);
    assert.equal(greeting, "greeting");
    child.stdin?.end();
    await once(child, "close");
    target.close();
  });
});

async function listen(server: Server): Promise<Server> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return server;
}

function portOf(server: Server): number {
  return (server.address() as AddressInfo).port;
}

function withResolvers<T>(): { promise: Promise<T>; resolve: (value: T) => void } {
  let resolve: (value: T) => void = () => undefined;
  const promise = new Promise<T>((settle) => (resolve = settle));
  return { promise, resolve };
}
