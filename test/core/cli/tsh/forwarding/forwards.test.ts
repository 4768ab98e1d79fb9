/** Forwards over a real SSH connection whose server the test plays. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { existsSync, statSync } from "node:fs";
import { connect, createServer, type AddressInfo, type Socket } from "node:net";
import path from "node:path";
import type { Endpoint } from "../../../../../core/cli/tsh/forwarding/endpoint.js";
import type { Forward, Listener } from "../../../../../core/cli/tsh/forwarding/listener.js";
import { parseLocalForward } from "../../../../../core/cli/tsh/forwarding/forward-spec.js";
import { startDynamicForward } from "../../../../../core/cli/tsh/forwarding/dynamic-forward.js";
import { startLocalForward } from "../../../../../core/cli/tsh/forwarding/local-forward.js";
import { RemoteForwards } from "../../../../../core/cli/tsh/forwarding/remote-forward.js";
import { startForwards } from "../../../../../core/cli/tsh/forwarding/start-forwards.js";
import { SshReader, SshWriter } from "../../../../../core/pki/ssh-wire.js";
import type { ChannelOpen, PeerRequest, SshConnection } from "../../../../../core/ssh/contract.js";
import { temporaryFolder } from "../../../../kit/paths.js";
import { Loopback } from "../../../ssh/loopback.js";

describe("the forwards of tsh", () => {
  let loopback: Loopback;
  let connection: SshConnection;
  let direct: (open: ChannelOpen) => void;
  let globalRequest: (request: PeerRequest) => boolean | Buffer;
  const standing: Forward[] = [];
  const targets: string[] = [];

  /** Answers with what it was sent, in capitals, after the client has ended its half. */
  const shout = (open: ChannelOpen): void => {
    const channel = open.accept();
    channel.extended.resume();
    const chunks: Buffer[] = [];
    channel.on("data", (chunk: Buffer) => chunks.push(chunk));
    channel.on("end", () => channel.end(Buffer.concat(chunks).toString().toUpperCase()));
  };

  beforeEach(async () => {
    targets.length = 0;
    direct = shout;
    loopback = await Loopback.create({
      onConnection: (peer) => {
        peer.onChannel("direct-tcpip", (open) => {
          const reader = new SshReader(open.payload);
          targets.push(`${reader.text()} ${reader.uint32()}`);
          direct(open);
        });
        peer.onChannel("direct-streamlocal@openssh.com", (open) => {
          targets.push(new SshReader(open.payload).text());
          direct(open);
        });
        for (const name of ["tcpip-forward", "streamlocal-forward@openssh.com"]) {
          peer.onGlobalRequest(name, (request) => globalRequest(request));
        }
      },
    });
    connection = await loopback.connect();
  });
  afterEach(async () => {
    for (const forward of standing.splice(0)) forward.close();
    connection.disconnect("bye");
    await loopback.server.close();
  });

  const start = async (forward: Promise<Listener>): Promise<Endpoint> => {
    const listener = await forward;
    standing.push(listener);
    return listener.endpoint;
  };
  const portOf = (endpoint: Endpoint): number => ("port" in endpoint ? endpoint.port : assert.fail());
  const said = async (socket: Socket): Promise<string> => {
    let text = "";
    socket.on("data", (chunk: Buffer) => (text += chunk.toString("latin1")));
    await once(socket, "end");
    return text;
  };
  const options = { report: (message: string): void => assert.fail(message) };

  it("-L: each direction to its own end", async () => {
    const at = await start(startLocalForward(connection, parseLocalForward("0:remote:80"), options));
    const socket = connect({ port: portOf(at), allowHalfOpen: true });
    socket.end("hello");
    assert.equal(await said(socket), "HELLO");
    assert.deepEqual(targets, ["remote 80"]);
  });

  it("-L between Unix sockets; the local one is its owner's alone and goes with the forward", async () => {
    const { folder, remove } = await temporaryFolder();
    try {
      const file = path.join(folder, "l.sock");
      const forward = await startLocalForward(connection, parseLocalForward(`${file}:/run/x.sock`), options);
      assert.equal(statSync(file).mode & 0o777, 0o600);
      const socket = connect({ path: file, allowHalfOpen: true });
      socket.end("hello");
      assert.equal(await said(socket), "HELLO");
      assert.deepEqual(targets, ["/run/x.sock"]);
      forward.close();
      assert.equal(existsSync(file), false);
    } finally {
      await remove();
    }
  });

  it("-L: a connection that the node refuses ends alone and is reported", async () => {
    direct = (open) => open.reject(1, "port forwarding not allowed");
    const reports: string[] = [];
    const report = (message: string): void => void reports.push(message);
    const at = await start(startLocalForward(connection, parseLocalForward("0:remote:80"), { report }));
    for (let i = 0; i < 2; i++) {
      const socket = connect(portOf(at));
      socket.resume();
      socket.on("error", () => undefined);
      await once(socket, "close");
    }
    assert.deepEqual(reports, Array(2).fill("cannot forward to remote:80: port forwarding not allowed"));
  });

  const socks: [name: string, request: string, reply: RegExp, target: string][] = [
    ["4", "04010050c0000201" + "6d6500", /^005a/, "192.0.2.1 80"],
    ["4a", "0401005000000001" + "00" + hex("node.test") + "00", /^005a/, "node.test 80"],
    ["5 with an IPv4 address", "050100" + "05010001c00002010050", /^05000500/, "192.0.2.1 80"],
    ["5 with a name", "05020002" + "0501000309" + hex("node.test") + "0050", /^05000500/, "node.test 80"],
    [
      "5 with an IPv6 address",
      "050100" + `05010004fd00${"00".repeat(13)}010050`,
      /^05000500/,
      "fd00:0000:0000:0000:0000:0000:0000:0001 80",
    ],
  ];
  for (const [name, request, reply, target] of socks) {
    it(`-D: SOCKS ${name}, in single bytes, with what follows`, async () => {
      const at = await start(startDynamicForward(connection, { host: "127.0.0.1", port: 0 }, options));
      const socket = connect({ port: portOf(at), allowHalfOpen: true, noDelay: true });
      for (const byte of Buffer.from(request, "hex")) socket.write(Buffer.of(byte));
      socket.end("after");
      const answer = await said(socket);
      assert.match(Buffer.from(answer, "latin1").toString("hex"), reply);
      assert.match(answer, /AFTER$/);
      assert.deepEqual(targets, [target]);
    });
  }

  const badSocks: [name: string, request: string, reply: string, report: RegExp][] = [
    ["a client that wants a password", "050102", "05ff", /without one/],
    ["BIND", "050100" + "05020001c00002010050", "0500" + "05070001000000000000", /more than CONNECT/],
    ["an unknown kind of address", "050100" + "05010009", "0500" + "05080001000000000000", /unknown kind/],
    ["HTTP", hex("GET / HTTP/1.1\r\n"), "", /speaks no SOCKS/],
    [
      "a target that is refused",
      "050100" + "05010001c00002010050",
      "0500" + "05020001000000000000",
      /not allowed/,
    ],
  ];
  for (const [name, request, reply, reported] of badSocks) {
    it(`-D refuses ${name}`, async () => {
      direct = (open) => open.reject(1, "port forwarding not allowed");
      const reports: string[] = [];
      const report = (message: string): void => void reports.push(message);
      const at = await start(startDynamicForward(connection, { host: "127.0.0.1", port: 0 }, { report }));
      const socket = connect(portOf(at));
      socket.on("error", () => undefined);
      socket.write(Buffer.from(request, "hex"));
      let answer = "";
      socket.on("data", (chunk: Buffer) => (answer += chunk.toString("hex")));
      await once(socket, "close");
      assert.equal(answer, reply);
      assert.match(reports.join(), reported);
    });
  }

  it("-R: the node's connections reach this machine; the chosen port is told; others are refused", async () => {
    const target = createServer((socket) => socket.end("from here"));
    target.listen(0, "127.0.0.1");
    await once(target, "listening");
    try {
      globalRequest = ({ name, payload }) => {
        const reader = new SshReader(payload);
        assert.deepEqual([name, reader.text(), reader.uint32()], ["tcpip-forward", "localhost", 0]);
        return new SshWriter().uint32(4711).toBuffer();
      };
      const forwards = new RemoteForwards(connection, assert.fail);
      const to = { host: "127.0.0.1", port: (target.address() as AddressInfo).port };
      const at = await forwards.start({ listen: { host: "localhost", port: 0 }, target: to });
      assert.deepEqual(at, { host: "localhost", port: 4711 });
      const open = (port: number): ReturnType<SshConnection["openChannel"]> => {
        const payload = new SshWriter().string("127.0.0.1").uint32(port).string("127.0.0.1").uint32(1);
        return loopback.accepted[0]!.openChannel("forwarded-tcpip", payload.toBuffer());
      };
      const channel = await open(4711);
      channel.extended.resume();
      let text = "";
      channel.on("data", (chunk: Buffer) => (text += chunk.toString()));
      await once(channel, "end");
      assert.equal(text, "from here");
      channel.close();
      await assert.rejects(open(4712), /was not asked for/);
    } finally {
      target.close();
    }
  });

  it("a forward that fails is a warning, unless none stands or all must", async () => {
    const taken = await start(startLocalForward(connection, parseLocalForward("0:remote:80"), options));
    globalRequest = () => false;
    const bad = parseLocalForward(`${portOf(taken)}:remote:80`);
    const plan = { local: [bad], remote: [], dynamic: [{ host: "127.0.0.1", port: 0 }] };
    const lenient = { ...plan, unlinkFirst: false, needed: "any" as const };
    const said: string[] = [];
    standing.push(...(await startForwards(connection, lenient, (message) => said.push(message))));
    assert.match(said.join(), /^WARNING: cannot listen on 127\.0\.0\.1:\d+: .*EADDRINUSE/);
    await assert.rejects(
      startForwards(connection, { ...lenient, needed: "all" }, assert.fail),
      /cannot listen/,
    );
    const remote = [{ listen: { host: "localhost", port: 1 }, target: undefined }];
    const none = { ...lenient, local: [], dynamic: [], remote };
    await assert.rejects(startForwards(connection, none, assert.fail), {
      message: "the node refused to listen on localhost:1",
    });
    const warned = { ...none, needed: "none" as const };
    await startForwards(connection, warned, (message) => said.push(message));
    assert.equal(said.at(-1), "WARNING: the node refused to listen on localhost:1");
  });
});

function hex(text: string): string {
  return Buffer.from(text).toString("hex");
}
