/** Sessions and forwards over a real SSH connection whose server the test plays. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { PassThrough, Readable } from "node:stream";
import { EscapeSequences } from "../../../../core/cli/tsh/escape-sequences.js";
import { exitCodeOf, failureLine, runSession } from "../../../../core/cli/tsh/session.js";
import { SshReader } from "../../../../core/pki/ssh-wire.js";
import type { PeerRequest, SshChannel, SshConnection } from "../../../../core/ssh/contract.js";
import { Loopback } from "../../ssh/loopback.js";

describe("a session of tsh", () => {
  let loopback: Loopback;
  let connection: SshConnection;
  let serve: (request: PeerRequest, channel: SshChannel) => boolean;
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

  it("ends at ~. with the exit code of ssh, and keeps other tildes", async () => {
    let seen = "";
    serve = ({ name }, channel) => {
      if (name !== "shell") return true;
      channel.on("data", (chunk: Buffer) => (seen += chunk.toString()));
      channel.write("prompt");
      return true;
    };
    const stdin = new PassThrough();
    const terminal = { type: "xterm", size: { columns: 80, rows: 25 } };
    const running = runSession(
      connection,
      { terminal, environment: {} },
      { ...streams(stdin), keys: (actions) => new EscapeSequences(actions) },
    );
    await once(stdout, "data");
    stdin.write("a~.\r~~b\r~?");
    await once(stderr, "data");
    stdin.write("~.");
    await assert.rejects(running, { exitCode: 255 });
    assert.equal(seen, "a~.\r~b\r");
  });

  it("asks for extras before the program, and says which the node refuses", async () => {
    const seen: string[] = [];
    const refused: string[] = [];
    serve = ({ name }, channel) => {
      seen.push(name);
      if (name === "exec") setImmediate(() => end(channel, 0));
      return name !== "no";
    };
    const wishes = ["yes", "no"].map((name) => ({ name, onRefused: () => void refused.push(name) }));
    await runSession(connection, { command: "x", environment: {}, wishes }, streams());
    assert.deepEqual([seen, refused], [["yes", "no", "exec"], ["no"]]);
  });
});
