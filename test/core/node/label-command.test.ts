import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type LabelResult, runLabelCommand } from "../../../core/node/label-command.js";
import type { Clock } from "../../../core/plugin/clock.js";

describe("label command", () => {
  let stop: AbortController;
  /** Ends the waits of so many milliseconds, once each has begun. */
  let passes: number[];
  const clock: Clock = {
    now: () => new Date(0),
    sleep: (ms) => (passes.includes(ms) ? Promise.resolve() : new Promise(() => undefined)),
  };
  const run = (...command: string[]): Promise<LabelResult> =>
    runLabelCommand(command, { clock, signal: stop.signal });
  const shell = (text: string): Promise<LabelResult> => run("/bin/sh", "-c", text);

  beforeEach(() => {
    stop = new AbortController();
    passes = [];
  });

  it("gives the trimmed output", async () => {
    assert.deepEqual(await run("echo", " a b "), { text: "a b", failed: false });
  });

  it("gives the error and what came before it", async () => {
    assert.deepEqual(await shell("echo partly; exit 3"), {
      text: "Command failed: /usr/bin/dash ended with code 3. output: partly".replace(
        "/usr/bin/dash",
        (await shell("readlink -f /bin/sh")).text,
      ),
      failed: true,
    });
    assert.match((await run("no-such-program")).text, /there is no program "no-such-program"/);
    assert.match((await run()).text, /there is no program ""/);
  });

  it("is stopped where it gives a gigabyte", async () => {
    const { text, failed } = await run("head", "-c", "1G", "/dev/zero");
    assert.equal(failed, true);
    assert.match(text, /^Command gives more than 65536 bytes; output: /);
  });

  it("gives binary output as text without control characters", async () => {
    const { text } = await shell("printf 'a\\033[2Jb\\0c\\377'");
    assert.equal(text, "a [2Jb c\ufffd");
  });

  it("is killed where it hangs, even if it ignores signals", async () => {
    passes = [30_000];
    const { text } = await shell("trap '' TERM INT HUP; while :; do sleep 1000; done");
    assert.match(text, /^Command did not end within 30 s; output: $/);
  });

  it("does not wait for a daemon that keeps its output open", async () => {
    passes = [1_000];
    const directory = mkdtempSync(join(tmpdir(), "label-"));
    const pidFile = join(directory, "pid");
    try {
      const daemon = `setsid sh -c 'echo $$ > ${pidFile}; exec sleep 1000'`;
      const { text, failed } = await shell(`${daemon} & until [ -s ${pidFile} ]; do :; done; echo up`);
      assert.deepEqual({ text, failed }, { text: "up", failed: false });
      process.kill(Number(readFileSync(pidFile, "utf8")), "SIGKILL");
    } finally {
      rmSync(directory, { recursive: true });
    }
  });

  it("leaves nothing of its process group behind", async () => {
    const directory = mkdtempSync(join(tmpdir(), "label-"));
    try {
      const pidFile = join(directory, "pid");
      await shell(`sleep 1000 > /dev/null & echo $! > ${pidFile}`);
      const stat = `/proc/${readFileSync(pidFile, "utf8").trim()}/stat`;
      // Killed, though its new parent may not have waited for it yet.
      while (existsSync(stat) && !/\) [ZX] /.test(readStat(stat))) await new Promise(setImmediate);
    } finally {
      rmSync(directory, { recursive: true });
    }
  });

  it("ends with the node", async () => {
    const running = shell("sleep 1000");
    await new Promise(setImmediate);
    stop.abort();
    assert.match((await running).text, /cut off, since the node ends/);
    assert.equal((await shell("sleep 1000")).failed, true);
  });
});

function readStat(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return ") X ";
  }
}
