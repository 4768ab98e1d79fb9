/** Every way of a user to a server: recorded by the node or the proxy, to our node or stock sshd, by OpenSSH or tsh. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { connectWhenOpen } from "./kit/connect-when-open.js";
import { startDigestServer } from "./kit/digest-server.js";
import { freePorts } from "./kit/ports.js";
import { needProgram, ours, succeed } from "./kit/programs.js";
import { clientsOf, LOGIN, startMatrix, type Client, type Matrix, type Target } from "./kit/ways.js";

for (const mode of ["node", "proxy"] as const) {
  describe(`e2e: the ways to a server, recorded by the ${mode}`, function () {
    this.timeout(120_000);
    let matrix: Matrix;

    before(async function () {
      needProgram(this, "ssh", "sshd", "scp", "ssh-agent", "expect");
      matrix = await startMatrix(mode);
    });
    after(() => matrix?.remove());

    for (const clientIndex of [0, 1] as const) {
      for (const targetIndex of [0, 1] as const) {
        const way = `${["stock OpenSSH", "tsh"][clientIndex]} to ${["our node", "stock sshd"][targetIndex]}`;
        describe(way, () => {
          let client: Client;
          let target: Target;
          let folder: string;
          /** The proxy cannot see into what it only relays, and sshd does not record. */
          const recorded = mode === "proxy" || targetIndex === 0;
          const file = (name: string): string => path.join(folder, name);

          before(() => {
            client = clientsOf(matrix)[clientIndex];
            target = matrix.targets[targetIndex];
            folder = path.join(matrix.daemon.folder, `way-${clientIndex}${targetIndex}`);
            mkdirSync(folder);
          });

          it("runs a command: streams apart, input to its end, exit code passed on", async () => {
            const { code, stdout, stderr } = await client.exec(
              target,
              [],
              "tr a-z A-Z; echo err >&2; exit 42",
              { input: "abc\0\n" },
            );
            assert.equal(stdout, "ABC\0\n");
            assert.match(stderr, /^err\n/);
            assert.equal(code, 42);
          });

          it("gives a shell on a terminal", async () => {
            const marker = `way-${mode}-${clientIndex}${targetIndex}`;
            const { stdout } = await client.shell(target, [["[#$] ", `echo ${marker}-$((40 + 2)); exit`]]);
            assert.match(stdout, new RegExp(`${marker}-42`));
            if (!recorded) return;
            const start = await matrix.daemon.audited(
              (event) =>
                event.event === "session.start" && event.size !== undefined && !played.has(event.sid),
            );
            played.add(start.sid);
            await matrix.daemon.audited(
              (event) => event.event === "session.upload" && event.sid === start.sid,
            );
            const shown = await succeed(ours("tsh"), ["play", String(start.sid)], { env: matrix.env });
            assert.match(shown, new RegExp(`${marker}-42`));
          });

          it("shows the forwarded agent", async () => {
            const { stdout, stderr } = await client.exec(target, ["-A"], "ssh-add -l");
            assert.match(stdout, /\(RSA(-CERT)?\)|\(ED25519(-CERT)?\)/, stderr);
          });

          it("copies a folder there and back", async () => {
            mkdirSync(file("tree/sub dir"), { recursive: true });
            writeFileSync(file("tree/a"), "alpha");
            writeFileSync(file("tree/sub dir/b"), Buffer.from([0, 255, 10, 13]));
            for (const [from, to] of [
              [file("tree"), `:${file("there")}`],
              [`:${file("there")}`, file("back")],
            ] as const) {
              const { code, stderr } = await client.copy(target, ["-r"], from, to);
              assert.equal(code, 0, stderr);
            }
            assert.equal(readFileSync(file("back/a"), "utf8"), "alpha");
            assert.deepEqual(readFileSync(file("back/sub dir/b")), Buffer.from([0, 255, 10, 13]));
          });

          it("forwards a port both ways with half-close", async () => {
            const server = await startDigestServer();
            const [local] = (await freePorts(1)) as [number];
            const [command, ...args] = client.forward(target, `127.0.0.1:${local}:127.0.0.1:${server.port}`);
            const forward = spawn(command, args, { env: { ...process.env, ...matrix.env }, stdio: "ignore" });
            try {
              const socket = await connectWhenOpen(local);
              const data = Buffer.alloc(1_000_000, "forwarded");
              let answer = "";
              socket.on("data", (chunk: Buffer) => (answer += chunk.toString()));
              socket.end(data);
              await once(socket, "close");
              assert.equal(answer, createHash("sha256").update(data).digest("hex"));
            } finally {
              forward.kill();
              server.close();
            }
          });

          it("is in the audit log under the user's name", async () => {
            const marker = `true audited-${clientIndex}${targetIndex}`;
            assert.equal((await client.exec(target, [], marker)).code, 0);
            const event = await matrix.daemon.audited((told) =>
              recorded
                ? told.event === "exec" && told.command === marker
                : told.event === "port" && told.addr === `${target.host}:${target.port}`,
            );
            assert.equal(event.user, "alice");
            assert.equal(event.login, LOGIN);
          });
        });
      }
    }
  });
}

/** Sessions whose recording was looked at. */
const played = new Set<unknown>();
