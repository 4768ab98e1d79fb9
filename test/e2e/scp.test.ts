/** `tsh scp` as its user runs it, with our node and a stock sshd. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import path from "node:path";
import { needProgram, ours, run, type Outcome } from "./kit/programs.js";
import { said } from "./kit/said.js";
import { onTerminal } from "./kit/terminal.js";
import { LOGIN, startMatrix, type Matrix, type Target } from "./kit/ways.js";

const BIG_BYTES = 64 * 1024 * 1024;
const MODIFIED = new Date("2001-02-03T04:05:06Z");

describe("e2e: tsh scp", function () {
  this.timeout(120_000);
  let matrix: Matrix;
  before(async function () {
    needProgram(this, "expect", "sshd", "scp");
    matrix = await startMatrix("node");
  });
  after(() => matrix?.remove());

  const file = (...names: string[]): string => path.join(matrix.daemon.folder, ...names);
  const makeFolder = (name: string): string => {
    mkdirSync(file(name), { recursive: true });
    return file(name);
  };

  for (const index of [0, 1] as const) {
    const what = index === 0 ? "our node" : "a stock sshd";
    const target = (): Target => matrix.targets[index];
    const there = (name: string): string => `${LOGIN}@${target().host}:${name}`;
    const scp = (...args: string[]): Promise<Outcome> =>
      run(ours("tsh"), ["scp", "-P", `${target().port}`, ...args], { env: matrix.env });
    const own = (name: string): string => makeFolder(`${name}-${index}`);

    it(`keeps names, times and modes of a deep tree, both ways, with ${what}`, async () => {
      const tree = own("tree");
      const names = [
        "empty",
        "with space",
        "-dash",
        "ünïcode ☃",
        "quote'\"$(id)`",
        "star*[x]",
        "deep/er/est",
      ];
      for (const name of names) {
        mkdirSync(path.dirname(path.join(tree, name)), { recursive: true });
        writeFileSync(path.join(tree, name), name === "empty" ? "" : name, { mode: 0o640 });
        utimesSync(path.join(tree, name), MODIFIED, MODIFIED);
      }
      symlinkSync("with space", path.join(tree, "link"));
      chmodSync(path.join(tree, "deep"), 0o555);
      const [copy, back] = [`${tree}-copy`, `${tree}-back`];
      const up = await scp("-r", "-p", "-q", tree, there(copy));
      assert.deepEqual(up, { code: 0, stdout: "", stderr: "" });
      assert.equal((await scp("-rp", there(copy), back)).code, 0);
      for (const name of [...names, "link"]) {
        assert.equal(
          readFileSync(path.join(back, name), "utf8"),
          readFileSync(path.join(tree, name), "utf8"),
          name,
        );
        assert.deepEqual(statSync(path.join(back, name)).mtime, MODIFIED, name);
        assert.equal(statSync(path.join(back, name)).mode & 0o777, 0o640, name);
      }
      assert.equal(statSync(path.join(back, "deep")).mode & 0o777, 0o555);
    });

    it(`expands patterns on both sides, with ${what}`, async () => {
      const logs = own("logs");
      for (const name of ["a.log", "b.log", ".c.log", "d.txt", "e*.log"]) {
        writeFileSync(path.join(logs, name), name);
      }
      const fetched = own("fetched");
      const down = await scp(there(`${logs}/*.log`), fetched);
      assert.equal(down.code, 0, down.stderr);
      assert.deepEqual(readdirSync(fetched), ["a.log", "b.log", "e*.log"]);
      assert.match(down.stdout, /^<- .*a\.log \(5\)$/m);
      const sent = own("sent");
      const up = await scp(`${logs}/[ab].log`, `${logs}/d.txt`, there(sent));
      assert.equal(up.code, 0, up.stderr);
      assert.deepEqual(readdirSync(sent), ["a.log", "b.log", "d.txt"]);
      const exact = own("exact");
      assert.equal((await scp(there(`${logs}/e\\*.log`), exact)).code, 0);
      assert.deepEqual(readdirSync(exact), ["e*.log"]);
      const intoFile = await scp(there(`${logs}/*.log`), path.join(exact, "one"));
      assert.equal(intoFile.code, 1);
      assert.match(intoFile.stderr, /not a folder/);
      const none = await scp(there(`${logs}/*.none`), fetched);
      assert.equal(none.code, 1);
      assert.match(none.stderr, /No such file/);
    });

    it(`goes on after a source that cannot be sent, and ends with 1, with ${what}`, async () => {
      const mixed = own("mixed");
      symlinkSync("nowhere", path.join(mixed, "a-broken-link"));
      writeFileSync(path.join(mixed, "line\nbreak"), "");
      writeFileSync(path.join(mixed, "z-good"), "good");
      const copy = `${mixed}-copy`;
      const { code, stderr } = await scp("-r", mixed, there(copy));
      assert.equal(code, 1);
      assert.match(stderr, /a-broken-link/);
      assert.match(stderr, /line break/);
      assert.deepEqual(readdirSync(copy), ["z-good"]);
    });

    it(`says what fails at the receiver, with ${what}`, async () => {
      writeFileSync(file("small"), "data");
      const { code, stderr } = await scp(file("small"), there("/proc/none/x"));
      assert.equal(code, 1);
      assert.match(stderr, /No such file/);
      // A device that is always full stands for a full disk.
      const full = await scp(there(file("small")), "/dev/full");
      assert.equal(full.code, 1);
      assert.match(full.stderr, /ENOSPC|no space/);
    });
  }

  it("copies more than 4 GiB of a sparse file's size without losing count", async () => {
    writeFileSync(file("sparse"), "");
    truncateSync(file("sparse"), 5 * 2 ** 30);
    const child = spawn(ours("tsh"), ["scp", file("sparse"), `${LOGIN}@node1:/dev/null`], {
      env: { ...process.env, ...matrix.env },
      stdio: ["ignore", "pipe", "ignore"],
    });
    try {
      await said(child.stdout, "(5368709120)");
    } finally {
      child.kill();
      await once(child, "close");
    }
  });

  it("draws a bar for each file on a terminal", async () => {
    writeFileSync(file("big"), Buffer.alloc(BIG_BYTES, "x"));
    writeFileSync(file("tiny"), "x");
    makeFolder("bars");
    const command = `${ours("tsh")} scp ${file("big")} ${file("tiny")} ${LOGIN}@node1:${file("bars")}`;
    const { code, stdout } = await onTerminal(command, [], matrix.env);
    assert.equal(code, 0, stdout);
    assert.match(stdout, /big.* 100% +64 MB .*MB\/s \d\d:\d\d/);
    assert.match(stdout, /tiny.* 100% +1 B/);
    assert.ok(readFileSync(file("bars", "big")).equals(readFileSync(file("big"))));
  });

  it("ends with 1 and keeps what came where the connection is lost in the middle", async () => {
    truncateSync(file("sparse"), 5 * 2 ** 30);
    const child = spawn(ours("tsh"), ["scp", `${LOGIN}@node1:${file("sparse")}`, file("partial")], {
      env: { ...process.env, ...matrix.env },
      stdio: ["ignore", "pipe", "pipe"],
    });
    const errors = said(child.stderr, "error: ");
    await said(child.stdout, "<- ");
    const closed = once(child, "close") as Promise<[number | null]>;
    await matrix.daemon.stop("SIGKILL");
    await errors;
    assert.deepEqual((await closed)[0], 1);
    assert.ok(existsSync(file("partial")));
    await matrix.daemon.restart();
  });
});
