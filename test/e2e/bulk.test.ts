/** 500 MB through a command, scp and a forwarded port, compared by digest. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createHash, type Hash } from "node:crypto";
import { createReadStream, createWriteStream } from "node:fs";
import { once } from "node:events";
import path from "node:path";
import { pipeline } from "node:stream/promises";
import { connectWhenOpen } from "./kit/connect-when-open.js";
import { startDaemon, type Daemon } from "./kit/daemon.js";
import { startDigestServer } from "./kit/digest-server.js";
import { freePorts } from "./kit/ports.js";
import { needProgram, succeed } from "./kit/programs.js";
import { addUser, sshClient, type SshClient } from "./kit/users.js";

const LOGIN = process.env.USER ?? "root";
const SIZE = 500_000_000;
const BLOCK = 1_000_000;

describe("e2e: 500 MB", function () {
  this.timeout(300_000);
  let daemon: Daemon;
  let client: SshClient;
  let source: string;
  let digest: string;

  before(async function () {
    needProgram(this, "ssh", "scp", "sha256sum");
    daemon = await startDaemon();
    await addUser(daemon, "alice", LOGIN);
    client = await sshClient(daemon, "alice", LOGIN);
    source = path.join(client.folder, "big");
    digest = await writeSource(source);
  });
  after(() => daemon?.remove());

  const jump = (): string[] => [...client.args, "-J", client.jump];

  it("out of a command", async () => {
    const child = spawn("ssh", [...jump(), `${LOGIN}@node1.example.test`, `cat '${source}'`], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    const hash = createHash("sha256");
    for await (const chunk of child.stdout) hash.update(chunk as Buffer);
    assert.equal(hash.digest("hex"), digest);
  });

  it("into a command", async () => {
    const child = spawn("ssh", [...jump(), `${LOGIN}@node1.example.test`, "sha256sum"], {
      stdio: ["pipe", "pipe", "inherit"],
    });
    let answer = "";
    child.stdout.on("data", (chunk: Buffer) => (answer += chunk.toString()));
    await pipeline(createReadStream(source), child.stdin);
    await once(child, "close");
    assert.equal(answer.split(" ")[0], digest);
  });

  it("by scp, both protocols", async () => {
    for (const flags of [[], ["-O"]]) {
      const there = path.join(client.folder, `copy${flags.length}`);
      await succeed("scp", ["-q", ...flags, ...jump(), source, `${LOGIN}@node1.example.test:${there}`], {
        timeoutMs: 120_000,
      });
      assert.equal((await succeed("sha256sum", [there])).split(" ")[0], digest);
      await succeed("rm", [there]);
    }
  });

  it("through a forwarded port", async () => {
    const target = await startDigestServer();
    const { port } = target;
    const [local] = (await freePorts(1)) as [number];
    const forward = spawn(
      "ssh",
      [...jump(), "-N", "-L", `127.0.0.1:${local}:127.0.0.1:${port}`, `${LOGIN}@node1.example.test`],
      { stdio: ["ignore", "ignore", "inherit"] },
    );
    try {
      const socket = await connectWhenOpen(local);
      let answer = "";
      socket.on("data", (chunk: Buffer) => (answer += chunk.toString()));
      await pipeline(createReadStream(source), socket, { end: false });
      socket.end();
      if (!socket.readableEnded) await once(socket, "end");
      assert.equal(answer, digest);
    } finally {
      forward.kill();
      target.close();
    }
  });
});

/** Writes a file that does not compress to nothing, and returns its digest. */
async function writeSource(file: string): Promise<string> {
  const hash: Hash = createHash("sha256");
  const block = Buffer.alloc(BLOCK);
  for (let i = 0; i < BLOCK; i += 4) block.writeUInt32LE(Math.imul(i, 2654435761) >>> 0, i);
  const out = createWriteStream(file);
  for (let i = 0; i < SIZE / BLOCK; i++) {
    block.writeUInt32LE(i, 0);
    hash.update(block);
    if (!out.write(Buffer.from(block))) await once(out, "drain");
  }
  out.end();
  await once(out, "finish");
  return hash.digest("hex");
}
