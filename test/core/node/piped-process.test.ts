import assert from "node:assert/strict";
import { userInfo } from "node:os";
import { lookupAccount } from "../../../core/node/account.js";
import { findLaunchTools } from "../../../core/node/launcher.js";
import { PipePool } from "../../../core/node/pipe-pool.js";
import { startPipedProcess } from "../../../core/node/piped-process.js";
import type { SessionProcess } from "../../../core/session/session-process.js";

describe("piped process", () => {
  const tools = findLaunchTools(process.getuid?.() === 0);
  const pipes = new PipePool(tools.bash);
  after(() => pipes.close());

  async function start(script: string): Promise<SessionProcess> {
    const account = await lookupAccount(userInfo().username);
    const environment = new Map([["PATH", "/usr/bin:/bin"]]);
    const launch = { account, program: "/bin/sh", argv0: "sh", args: ["-c", script], environment };
    return startPipedProcess(launch, tools, pipes);
  }

  async function text(stream: NodeJS.ReadableStream | undefined): Promise<string> {
    let all = "";
    for await (const chunk of stream ?? []) all += String(chunk);
    return all;
  }

  it("keeps the outputs apart and reports the code", async () => {
    const child = await start("echo out; echo err >&2; exit 5");
    assert.deepEqual(await Promise.all([text(child.stdout), text(child.stderr)]), ["out\n", "err\n"]);
    assert.deepEqual(await child.exited, { code: 5 });
  });

  it("lets programs open their streams by name", async () => {
    const child = await start("cat /dev/stdin > /dev/stdout; echo e > /dev/stderr");
    child.stdin.end("in\n");
    assert.deepEqual(await Promise.all([text(child.stdout), text(child.stderr)]), ["in\n", "e\n"]);
  });

  it("survives a program that does not read its input", async () => {
    const child = await start("exec 0<&-; echo done");
    child.stdin.write(Buffer.alloc(1 << 20));
    assert.equal(await text(child.stdout), "done\n");
    assert.deepEqual(await child.exited, { code: 0 });
  });

  it("kills the whole group, also where the hang-up is ignored", async () => {
    const child = await start("trap '' HUP; sleep 600 & trap '' TERM; echo ready; wait");
    await new Promise((resolve) => child.stdout.once("data", resolve));
    child.kill("SIGKILL");
    assert.deepEqual(await child.exited, { signal: "SIGKILL" });
    assert.equal(await text(child.stdout), "", "the background child is gone too, so the pipe ends");
  });

  it("starts many at once", async () => {
    const outputs = await Promise.all(
      Array.from({ length: 20 }, async (_, i) => text((await start(`echo ${i}`)).stdout)),
    );
    assert.deepEqual(
      outputs,
      outputs.map((_, i) => `${i}\n`),
    );
  });

  it("refuses after the pool is closed", async () => {
    const closed = new PipePool(tools.bash);
    closed.close();
    await assert.rejects(closed.take(3), /shutting down/);
  });
});
