import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import type { Duplex } from "node:stream";
import { accessDenied } from "../../../core/errors/error.js";
import type { AuthFailure } from "../../../core/ssh/contract.js";
import { DEFAULT_LIMITS } from "../../../core/ssh/limits.js";
import { createSigner } from "../../../core/ssh/signer.js";
import { keyPair } from "./authority.js";
import { duplexPair } from "./duplex-pair.js";
import { ADDRESSES, Loopback } from "./loopback.js";
import { ManualClock } from "./manual-clock.js";

/** Everything that a stream yields until it ends. */
async function drainText(stream: Duplex): Promise<string> {
  const chunks: Buffer[] = [];
  stream.on("data", (chunk: Buffer) => chunks.push(chunk));
  stream.on("error", () => undefined);
  await once(stream, "end");
  return Buffer.concat(chunks).toString("latin1");
}

describe("createSshServer", () => {
  it("ends a silent client after the login grace time", async () => {
    const clock = new ManualClock();
    const loopback = await Loopback.create({ clock });
    const text = drainText(loopback.stream());
    await clock.advance(DEFAULT_LIMITS.loginGraceMs - 1);
    assert.equal(loopback.server.connections.size, 0);
    await clock.advance(1);
    assert.match(await text, /^SSH-2\.0-Teleport\r\n[^]*Login took too long/);
  });

  it("does not apply the login grace time after the login", async () => {
    const clock = new ManualClock();
    const loopback = await Loopback.create({ clock });
    const client = await loopback.connect();
    await clock.advance(DEFAULT_LIMITS.loginGraceMs + 1);
    assert.ok(await client.globalRequest("keepalive@openssh.com", true));
  });

  it("drops the oldest of too many clients that have not logged in", async () => {
    const loopback = await Loopback.create({ limits: { ...DEFAULT_LIMITS, maxUnauthenticated: 2 } });
    const oldest = drainText(loopback.stream());
    loopback.stream();
    await loopback.connect();
    assert.match(await oldest, /Too many connections that have not logged in/);
  });

  it("limits the connections of one address", async () => {
    const loopback = await Loopback.create({ limits: { ...DEFAULT_LIMITS, maxPerAddress: 1 } });
    const client = await loopback.connect();
    await assert.rejects(loopback.connect(), /Too many connections from your address/);
    client.disconnect("done");
    await loopback.accepted[0]?.whenClosed;
    await loopback.connect();
  });

  it("ends a client after too many refused certificates, but not for plain keys that an agent offers", async () => {
    const failures: AuthFailure[] = [];
    const loopback = await Loopback.create({ onAuthFailure: (failure) => failures.push(failure) });
    const plain = await Promise.all(
      Array.from({ length: 20 }, async () => createSigner((await keyPair("ed25519")).privateKey)),
    );
    const good = await loopback.authority.signer("user");
    await loopback.connect({ signers: () => Promise.resolve([...plain, good]) });
    assert.equal(failures.length, 0);
    const wrong = await loopback.authority.signer("user", "ed25519", { principals: ["bob"] });
    const many = Array.from({ length: 20 }, () => wrong);
    await assert.rejects(
      loopback.connect({ signers: () => Promise.resolve([...many, good]) }),
      /Too many authentication failures/,
    );
    assert.equal(failures.length, DEFAULT_LIMITS.maxAuthTries);
  });

  it("refuses whom authorize refuses, and reports its reason", async () => {
    const failures: AuthFailure[] = [];
    const loopback = await Loopback.create({
      authorize: ({ certificate }) => {
        throw accessDenied(`${certificate.keyId} is locked`);
      },
      onAuthFailure: (failure) => failures.push(failure),
    });
    await assert.rejects(loopback.connect(), /refused to log in "root"/);
    assert.equal(failures[0]?.reason, "alice is locked");
  });

  it("shows its banner", async () => {
    const loopback = await Loopback.create({ banner: "Welcome\nto the bastion" });
    let banner = "";
    await loopback.connect({ onBanner: (text) => (banner += text) });
    assert.equal(banner, "Welcome\r\nto the bastion\r\n");
  });

  it("ends a peer that misses its keepalives, and no other", async () => {
    const clock = new ManualClock();
    const loopback = await Loopback.create({ clock });
    const stream = loopback.stream();
    const client = await loopback.connect({ stream });
    const [server] = loopback.accepted;
    for (let i = 0; i < 10; i++) {
      const answered = once(stream, "data");
      await clock.advance(DEFAULT_LIMITS.keepAliveIntervalMs);
      await answered;
      // The answer travels back in turns of the event loop; a later request shows that it has arrived.
      await client.globalRequest("keepalive@openssh.com", true);
    }
    stream.pause();
    for (let i = 0; i <= DEFAULT_LIMITS.keepAliveCountMax; i++)
      await clock.advance(DEFAULT_LIMITS.keepAliveIntervalMs);
    assert.match(String(await server?.whenClosed), /Keepalive timeout/);
  });

  it("takes the client's address from a trusted proxy, however it is cut", async () => {
    const loopback = await Loopback.create({ acceptProxyPrefix: (remote) => remote === ADDRESSES.remote });
    const [serverEnd, clientEnd] = duplexPair();
    loopback.server.accept(serverEnd, ADDRESSES);
    for (const byte of Buffer.from('Teleport-Proxy{"clientAddr":"198.51.100.9:5555"}\0'))
      clientEnd.write(Buffer.of(byte));
    await loopback.connect({ stream: clientEnd });
    assert.equal(loopback.accepted[0]?.remoteAddress, "198.51.100.9:5555");
  });

  it("refuses such an address from anybody else", async () => {
    const loopback = await Loopback.create();
    const stream = loopback.stream();
    stream.write('Teleport-Proxy{"clientAddr":"198.51.100.9:5555"}\0SSH-2.0-Go\r\n');
    await drainText(stream);
    assert.equal(loopback.accepted.length, 0);
  });

  it("presents a rotated host certificate to the next client", async () => {
    const loopback = await Loopback.create();
    await loopback.connect();
    loopback.hostSigners.splice(0, 1, await loopback.authority.signer("host", "ecdsa"));
    const client = await loopback.connect();
    assert.equal(client.peerCertificate?.keyType, "ecdsa-sha2-nistp256");
  });

  it("drains: refuses new clients and waits for the old ones", async () => {
    const loopback = await Loopback.create();
    const client = await loopback.connect();
    let drained = false;
    const draining = loopback.server.drain().then(() => (drained = true));
    await assert.rejects(loopback.connect(), /shutting down/);
    assert.equal(drained, false);
    client.disconnect("done");
    await draining;
  });

  it("keeps a session working through 3000 hostile connections", async function () {
    this.timeout(60_000);
    const loopback = await Loopback.create({ limits: { ...DEFAULT_LIMITS, maxUnauthenticated: 100 } });
    const client = await loopback.connect();
    loopback.accepted[0]?.onChannel("echo", (open) => {
      const channel = open.accept();
      channel.pipe(channel);
    });
    const channel = await client.openChannel("echo");
    const openings: (() => Buffer)[] = [
      () => randomBytes(300),
      () => Buffer.from("GET / HTTP/1.1\r\n\r\n"),
      () => Buffer.from("SSH-2.0-x\r\n"),
      () => Buffer.concat([Buffer.from("SSH-2.0-x\r\n"), randomBytes(2000)]),
      () => Buffer.concat([Buffer.from("SSH-2.0-x\r\n"), Buffer.from([0, 0, 1, 0, 4, 20]), randomBytes(400)]),
      () =>
        Buffer.concat([
          Buffer.from("SSH-2.0-x\r\n"),
          Buffer.from([0xff, 0xff, 0xff, 0xff]),
          Buffer.alloc(8000),
        ]),
      () => Buffer.alloc(100_000, "SSH-2.0-"),
      () => Buffer.alloc(0),
    ];
    for (let i = 0; i < 3000; i++) {
      const stream = loopback.stream();
      stream.on("error", () => undefined).resume();
      stream.write(openings[i % openings.length]?.() ?? Buffer.alloc(0));
      if (i % 3 === 0) stream.destroy();
      if (i % 500 === 0) {
        const echoed = once(channel, "data");
        channel.write(`still here ${String(i)}`);
        assert.equal(String((await echoed)[0]), `still here ${String(i)}`);
      }
    }
    assert.equal(loopback.server.connections.size, 1);
    await loopback.connect();
  });
});
