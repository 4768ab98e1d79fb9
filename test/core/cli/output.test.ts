import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import path from "node:path";
import { repoRoot } from "../../kit/paths.js";

const OUTPUT = path.join(repoRoot, "dist", "core", "cli", "output.js");

const SCRIPT = `
import { printToStdout } from ${JSON.stringify(OUTPUT)};
for (let i = 0; i < 64; i++) await printToStdout("x".repeat(65536));
process.stderr.write("done");`;

describe("the output of commands", () => {
  async function run(read: (stdout: NodeJS.ReadableStream & { destroy(): void }) => void) {
    const child = spawn(process.execPath, ["--input-type=module", "-e", SCRIPT], { stdio: "pipe" });
    let stderr = "";
    child.stderr.on("data", (chunk: Buffer) => (stderr += chunk.toString()));
    read(child.stdout);
    const [code] = (await once(child, "close")) as [number | null];
    return { code, stderr };
  }

  it("arrives whole", async () => {
    let size = 0;
    const ended = await run((stdout) => stdout.on("data", (chunk: Buffer) => (size += chunk.length)));
    assert.deepEqual(ended, { code: 0, stderr: "done" });
    assert.equal(size, 64 * 65536);
  });

  it("does not mind a reader that leaves", async () => {
    const ended = await run((stdout) => stdout.once("data", () => stdout.destroy()));
    assert.deepEqual(ended, { code: 0, stderr: "done" });
  });
});
