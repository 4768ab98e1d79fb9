/** Sessions and forwards over a real SSH connection whose server the test plays. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { connect } from "node:net";
import { PassThrough, Readable } from "node:stream";
import { parseForward } from "../../../../core/cli/tsh/forward-spec.js";
import { startForward } from "../../../../core/cli/tsh/forward.js";
import { exitCodeOf, failureLine, runSession } from "../../../../core/cli/tsh/session.js";
import { SshReader } from "../../../../core/pki/ssh-wire.js";
import type { ChannelOpen, PeerRequest, SshChannel, SshConnection } from "../../../../core/ssh/contract.js";
import { Loopback } from "../../ssh/loopback.js";

describe("a session of tsh", () => {
  let loopback: Loopback;
  let connection: SshConnection;
  let serve: (request: PeerRequest, channel: SshChannel) => boolean;
  let direct: (open: ChannelOpen) => void;
  let stdout: PassThrough;
  let stderr: PassThrough;

  beforeEach(async () => {
    loopback = await Loopback.create({
      onConnection: (peer) => {
        peer.onChannel("session", (open) => {
          const channel = open.accept();
          channel.extended.resume();
          channel.onRequest((request) => serve(request, channel));
        });
        peer.onChannel("direct-tcpip", (open) => direct(open));
      },
    });
    connection = await loopback.connect();
    stdout = new PassThrough();
    stderr = new PassThrough();
  });
  afterEach(async () => {
    connection.disconnect("bye");
    await loopback.server.close();
  });

  const streams = (stdin?: Readable): Parameters<typeof runSession>[2] => ({ stdin, stdout, stderr });
  const end = (channel: SshChannel, code: number): void => {
    channel.exitStatus(code);
    channel.close();
  };

  it("carries every byte both ways and passes the exit code on", async () => {
    const bytes = Buffer.from(Array.from({ length: 256 }, (_, i) => i));
    serve = ({ name, payload }, channel) => {
      if (name !== "exec") return false;
      assert.equal(new SshReader(payload).text(), "cat; exit 42");
      channel.on("data", (chunk: Buffer) => channel.write(chunk));
      channel.on("end", () => {
        void channel.writeExtended(Buffer.from("oops\n")).then(() => end(channel, 42));
      });
      return true;
    };
    const exit = await runSession(
      connection,
      { command: "cat; exit 42", environment: {} },
      streams(Readable.from([bytes, bytes])),
    );
    assert.deepEqual(exit, { code: 42 });
    assert.deepEqual(stdout.read(), Buffer.concat([bytes, bytes]));
    assert.equal(String(stderr.read()), "oops\n");
    assert.equal(exitCodeOf(exit), 42);
    assert.equal(failureLine(exit), "error: Process exited with status 42");
  });

  it("asks for environment, terminal and shell, in this order", async () => {
    const seen: string[] = [];
    serve = ({ name, payload }, channel) => {
      seen.push(name);
      if (name === "pty-req") {
        const reader = new SshReader(payload);
        assert.deepEqual([reader.text(), reader.uint32(), reader.uint32()], ["xterm", 100, 30]);
        assert.deepEqual([reader.uint32(), reader.uint32(), reader.string()], [800, 240, Buffer.of(0)]);
      }
      if (name === "shell") setImmediate(() => end(channel, 0));
      // Servers may refuse variables; that is no reason to give up.
      return name !== "env";
    };
    const terminal = { type: "xterm", size: { columns: 100, rows: 30 } };
    const exit = await runSession(
      connection,
      { terminal, environment: { LANG: "C" } },
      streams(Readable.from([])),
    );
    assert.deepEqual(seen, ["env", "pty-req", "shell"]);
    assert.equal(failureLine(exit), undefined);
  });

  it("tells a program on a terminal of the end of input by Ctrl-D", async () => {
    serve = ({ name }, channel) => {
      if (name === "shell") {
        channel.on("data", (chunk: Buffer) => {
          if (chunk.includes(4)) end(channel, 7);
        });
      }
      return true;
    };
    const terminal = { type: "xterm", size: { columns: 80, rows: 25 } };
    const exit = await runSession(connection, { terminal, environment: {} }, streams(Readable.from(["x"])));
    assert.deepEqual(exit, { code: 7 });
  });

  it("turns an exit signal into the code a shell would give", async () => {
    serve = (_request, channel) => {
      setImmediate(() => {
        channel.exitSignal("KILL", false, "");
        channel.close();
      });
      return true;
    };
    const exit = await runSession(connection, { command: "x", environment: {} }, streams());
    assert.equal(exitCodeOf(exit), 137);
    assert.equal(failureLine(exit), "error: Process exited due to signal KILL");
  });

  it("says why where the node refuses, without its control bytes", async () => {
    serve = (_request, channel) => {
      void channel.writeExtended(Buffer.from("not \u001b[31mtoday\r\n"));
      return false;
    };
    await assert.rejects(runSession(connection, { command: "x", environment: {} }, streams()), {
      message: "not \\u001b[31mtoday",
    });
  });

  it("fails where the connection is lost", async () => {
    serve = () => {
      setImmediate(() => loopback.accepted[0]!.disconnect("gone"));
      return true;
    };
    await assert.rejects(
      runSession(connection, { command: "x", environment: {} }, streams()),
      /without an exit status/,
    );
  });

  it("forwards a port, each direction to its own end", async () => {
    direct = (open) => {
      const reader = new SshReader(open.payload);
      assert.deepEqual([reader.text(), reader.uint32()], ["remote", 80]);
      const channel = open.accept();
      channel.extended.resume();
      const chunks: Buffer[] = [];
      channel.on("data", (chunk: Buffer) => chunks.push(chunk));
      // Answers only after the client has ended its half.
      channel.on("end", () => channel.end(Buffer.concat(chunks).toString().toUpperCase()));
    };
    const forward = await startForward(connection, parseForward("0:remote:80"), assert.fail);
    try {
      const socket = connect({ ...forward.address, allowHalfOpen: true });
      socket.end("hello");
      let answer = "";
      socket.on("data", (chunk: Buffer) => (answer += chunk.toString()));
      await once(socket, "end");
      assert.equal(answer, "HELLO");
    } finally {
      forward.close();
    }
  });

  it("a connection that the node refuses ends alone and is reported", async () => {
    direct = (open) => open.reject(1, "port forwarding not allowed");
    const reports: string[] = [];
    const forward = await startForward(connection, parseForward("0:remote:80"), (text) => reports.push(text));
    try {
      for (let i = 0; i < 2; i++) {
        const socket = connect(forward.address);
        socket.resume();
        socket.on("error", () => undefined);
        await once(socket, "close");
      }
      assert.deepEqual(reports, Array(2).fill("cannot forward to remote:80: port forwarding not allowed"));
    } finally {
      forward.close();
    }
  });

  it("a port that is taken is an error", async () => {
    const forward = await startForward(connection, parseForward("0:remote:80"), assert.fail);
    try {
      const spec = parseForward(`${forward.address.port}:remote:80`);
      await assert.rejects(startForward(connection, spec, assert.fail), /cannot listen on 127\.0\.0\.1/);
    } finally {
      forward.close();
    }
  });
});
