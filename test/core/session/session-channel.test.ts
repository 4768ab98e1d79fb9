import assert from "node:assert/strict";
import { once } from "node:events";
import { SshWriter } from "../../../core/pki/ssh-wire.js";
import type { PeerRequest, SshChannel, SshConnection } from "../../../core/ssh/contract.js";
import { NodeFixture } from "../node/node-fixture.js";
import { needPrograms } from "../node/stock-programs.js";

describe("session channel", function () {
  this.timeout(30_000);
  let node: NodeFixture;
  let connection: SshConnection;
  before(async function () {
    needPrograms(this, "ssh-keygen");
    node = await new NodeFixture().start();
  });
  after(() => node?.close());
  beforeEach(async () => {
    node.auth.events.length = 0;
    node.auth.auditError = undefined;
    connection = await node.connect();
  });
  afterEach(() => connection.disconnect("done"));

  interface Opened {
    readonly channel: SshChannel;
    readonly requests: PeerRequest[];
    readonly text: () => string;
  }

  async function open(): Promise<Opened> {
    const channel = await connection.openChannel("session");
    const requests: PeerRequest[] = [];
    channel.onRequest((request) => {
      requests.push(request);
      return true;
    });
    channel.extended.resume();
    let text = "";
    channel.on("data", (chunk: Buffer) => (text += chunk.toString("latin1")));
    return { channel, requests, text: () => text };
  }

  const string = (text: string): Buffer => new SshWriter().string(text).toBuffer();
  const sizeOf = (columns: number, rows: number): Buffer =>
    new SshWriter().uint32(columns).uint32(rows).uint32(0).uint32(0).toBuffer();
  const pty = (modes = Buffer.of(0)): Buffer =>
    new SshWriter().string("xterm").raw(sizeOf(80, 24)).string(modes).toBuffer();

  it("delivers signals and tells the signal that ended the program", async () => {
    const { channel, requests } = await open();
    assert.equal(await channel.request("signal", true, string("TERM")), false, "nothing runs yet");
    assert.equal(await channel.request("exec", true, string("echo ready; sleep 600")), true);
    await once(channel, "data");
    assert.equal(await channel.request("signal", true, string("NOSUCH")), false);
    assert.equal(await channel.request("signal", true, string("TERM")), true);
    await channel.whenClosed;
    assert.deepEqual(
      requests.map(({ name }) => name),
      ["exit-signal"],
    );
    assert.equal(requests[0]?.payload.toString("latin1").includes("TERM"), true);
  });

  it("tells a new size to the program and to the audit", async () => {
    const { channel, text } = await open();
    assert.equal(
      await channel.request("window-change", true, sizeOf(1, 1)),
      false,
      "there is no terminal yet",
    );
    assert.equal(await channel.request("pty-req", true, pty()), true);
    assert.equal(await channel.request("pty-req", true, pty()), false, "one terminal is enough");
    const script = "trap 'stty size; exit' WINCH; echo ready; while :; do sleep 0.1; done";
    assert.equal(await channel.request("exec", true, string(script)), true);
    await once(channel, "data");
    await channel.request("window-change", false, sizeOf(132, 43));
    await channel.whenClosed;
    assert.match(text(), /43 132\r\n$/);
    const resize = await node.auth.waitFor(({ event }) => event === "resize");
    assert.equal(resize["code"], "T2002I");
    assert.equal(resize["size"], "132:43");
  });

  it("ends, saying why, when its audit fails on the way", async () => {
    const { channel, text } = await open();
    await channel.request("pty-req", true, pty());
    await channel.request("exec", true, string("echo ready; sleep 600"));
    await once(channel, "data");
    node.auth.auditError = new Error("the audit log refuses");
    await channel.request("window-change", false, sizeOf(100, 30));
    await channel.whenClosed;
    assert.match(
      text(),
      /This session ends: its audit or recording cannot be written; the node's log says why/,
    );
  });

  it("starts one program per channel and answers malformed requests", async () => {
    const { channel } = await open();
    assert.equal(await channel.request("pty-req", true, Buffer.of(1, 2)), false);
    assert.equal(await channel.request("x11-req", true), false);
    assert.equal(
      await channel.request("env", true, new SshWriter().string("A=B").string("x").toBuffer()),
      false,
    );
    assert.equal(await channel.request("exec", true, string("cat")), true);
    assert.equal(await channel.request("exec", true, string("id")), false);
    assert.equal(await channel.request("shell", true), false);
    assert.equal(
      await channel.request("env", true, new SshWriter().string("A").string("x").toBuffer()),
      false,
    );
    channel.end();
    await channel.whenClosed;
  });

  it("sends the exit status before the end", async () => {
    const { channel, requests, text } = await open();
    const order: string[] = [];
    channel.on("end", () => order.push(`end after ${requests.length}`));
    await channel.request("exec", true, string("echo x; exit 300"));
    channel.end();
    await channel.whenClosed;
    assert.equal(text(), "x\n");
    assert.deepEqual(order, ["end after 1"]);
    assert.equal(requests[0]?.payload.readUInt32BE(0), 300 % 256);
  });

  for (const terminal of [false, true]) {
    it(`stops a program whose client does not read (${terminal ? "terminal" : "pipes"})`, async () => {
      const channel = await connection.openChannel("session");
      channel.extended.resume();
      if (terminal) await channel.request("pty-req", true, pty());
      await channel.request("exec", true, string("head -c 20000000 /dev/zero; echo done"));
      // Nobody reads: what has come when nothing more comes is bounded by the channel's window.
      let received = -1;
      while (received <= 0 || received !== connection.bytes.received) {
        received = connection.bytes.received;
        await new Promise((resolve) => setTimeout(resolve, 300));
      }
      assert.ok(received > 0 && received < 4 << 20, `${received} bytes`);
      let total = 0;
      channel.on("data", (chunk: Buffer) => (total += chunk.length));
      await channel.whenClosed;
      assert.equal(total, 20_000_000 + (terminal ? 6 : 5));
    });
  }

  it("answers version and recording mode", async () => {
    assert.match(String(await connection.globalRequest("x-teleport-version", true)), /^\d+\.\d+\.\d+/);
    assert.equal(String(await connection.globalRequest("recording-proxy@teleport.com", true)), "false");
    assert.equal(await connection.globalRequest("tcpip-forward", true, string("x")), undefined);
    await assert.rejects(connection.openChannel("x11"), /./);
  });
});
