import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { userInfo } from "node:os";
import { lookupAccount } from "../../../core/node/account.js";
import { findLaunchTools, type Launch } from "../../../core/node/launcher.js";
import { type PtyProcess, startPtyProcess } from "../../../core/node/pty-process.js";
import { sttyArguments } from "../../../core/node/terminal-modes.js";

describe("pty process", () => {
  const tools = findLaunchTools(process.getuid?.() === 0);

  async function start(script: string, changes: Partial<Launch> = {}): Promise<PtyProcess> {
    const account = await lookupAccount(userInfo().username);
    const launch: Launch = {
      account,
      program: "/bin/sh",
      argv0: "sh",
      args: ["-c", script],
      environment: new Map([["PATH", "/usr/bin:/bin"]]),
      terminalModes: [],
      ...changes,
    };
    return startPtyProcess(launch, tools, { size: { columns: 81, rows: 26 }, ttyGroup: undefined });
  }

  async function readAll(pty: PtyProcess): Promise<string> {
    const chunks: Buffer[] = [];
    for await (const chunk of pty.stdout) chunks.push(chunk as Buffer);
    return Buffer.concat(chunks).toString();
  }

  it("is a terminal of the given size, and the controlling one", async () => {
    const pty = await start("stty size; tty; echo $SSH_TTY; echo ok > /dev/tty; exit 7");
    assert.equal(await readAll(pty), `26 81\r\n${pty.terminal}\r\n${pty.terminal}\r\nok\r\n`);
    assert.deepEqual(await pty.exited, { code: 7 });
  });

  it("loses no output, however much and however late it is read", async function () {
    this.timeout(60_000);
    for (const bytes of [10, 3_000, 20_000, 200_000]) {
      for (let i = 0; i < 5; i++) {
        const pty = await start(`head -c ${bytes} /dev/zero | tr '\\0' x`);
        // Half of the time nobody reads before the program has written all that the kernel takes.
        if (i % 2 === 0 && bytes < 4_000) await pty.exited;
        assert.equal((await readAll(pty)).length, bytes);
      }
    }
  });

  it("applies terminal modes before the program starts", async () => {
    const pty = await start("stty -a", { terminalModes: ["intr", "0x2", "-echo", "-icanon"] });
    const text = await readAll(pty);
    assert.match(text, /intr = \^B;/);
    assert.match(text, /-icanon/);
    assert.match(text, / -echo /);
  });

  it("knows no mode that stty refuses", async () => {
    const modes = Array.from({ length: 159 }, (_, i) => [i + 1, 0, 0, 0, 1]).flat();
    const pty = await start(`stty ${sttyArguments(Buffer.from(modes)).join(" ")} && stty sane && echo ok`);
    assert.match(await readAll(pty), /ok\r?\n$/i);
    assert.deepEqual(await pty.exited, { code: 0 });
  });

  it("ends with its program though a background child keeps the terminal", async () => {
    const pty = await start("trap '' HUP; sleep 600 & echo $!");
    const child = Number(await readAll(pty));
    assert.ok(child > 0);
    try {
      assert.deepEqual(await pty.exited, { code: 0 });
      assert.ok(readFileSync(`/proc/${child}/cmdline`, "utf8").includes("sleep"));
    } finally {
      process.kill(child, "SIGKILL");
    }
  });

  it("reports signals, passes input and new sizes on", async () => {
    const pty = await start("stty -echo; echo ready; read x; echo got $x; stty size; kill -USR1 $$");
    const seen: string[] = [];
    for await (const chunk of pty.stdout) {
      seen.push(String(chunk));
      if (seen.join("") === "ready\r\n") {
        pty.resize({ columns: 132, rows: 43 });
        pty.stdin.write("word\n");
      }
    }
    assert.equal(seen.join(""), "ready\r\ngot word\r\n43 132\r\n");
    assert.deepEqual(await pty.exited, { signal: "SIGUSR1" });
  });

  it("hangs up on a program whose client is gone", async () => {
    const pty = await start("echo ready; sleep 600");
    await new Promise((resolve) => pty.stdout.once("data", resolve));
    pty.hangUp();
    assert.deepEqual(await pty.exited, { signal: "SIGHUP" });
  });

  it("stops a program whose output nobody reads", async () => {
    const pty = await start("yes & wait");
    const queued = await new Promise<number>((resolve) => {
      pty.stdout.once("readable", () => setTimeout(() => resolve(pty.stdout.readableLength), 200));
    });
    assert.ok(queued > 0 && queued < 256 * 1024, `${queued} bytes are queued`);
    pty.hangUp();
    await pty.exited;
  });
});
