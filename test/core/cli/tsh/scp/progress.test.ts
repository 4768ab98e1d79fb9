import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { expandGlob, isGlob, matchesGlob } from "../../../../../core/cli/tsh/glob.js";
import {
  formatBytes,
  formatTime,
  linesOfFiles,
  ProgressBar,
} from "../../../../../core/cli/tsh/scp/progress.js";
import { ManualClock } from "../../../../../core/plugin/kit/manual-clock.js";
import { temporaryFolder } from "../../../../kit/paths.js";

describe("scp progress", () => {
  it("is a bar with percent, bytes, rate and the time left", async () => {
    const clock = new ManualClock();
    let shown = "";
    const bar = new ProgressBar({ write: (text) => void (shown += text), columns: () => 80 }, clock);
    bar.start("big \u001b[2J file", 4096);
    await clock.advance(1000);
    bar.add(1024);
    assert.match(shown, /\rbig \\u001b\[2J/);
    assert.match(shown, /\[#{5}\.{15}\] {2}25%  1\.0 KB  1\.0 KB\/s 00:03 ETA$/);
    const drawn = shown.length;
    bar.add(1);
    assert.equal(shown.length, drawn, "not drawn again so soon");
    await clock.advance(1000);
    bar.add(3071);
    bar.end();
    assert.match(shown, /100%  4\.0 KB  2\.0 KB\/s 00:02 {4}\n$/);
    for (const line of shown.split(/[\r\n]/)) assert.ok(line.length < 80, line);
  });

  it("knows empty files, and sizes beyond 4 GiB on narrow terminals", () => {
    let shown = "";
    const bar = new ProgressBar(
      { write: (text) => void (shown += text), columns: () => 40 },
      new ManualClock(),
    );
    bar.start("empty", 0);
    bar.end();
    assert.match(shown, /100%/);
    shown = "";
    bar.start("huge", 2 ** 40);
    assert.match(shown, /\rhuge +0% {5}0 B/);
    assert.ok(shown.length <= 48);
    assert.deepEqual([0, 999, 1000, 2 ** 32, 5 * 2 ** 40].map(formatBytes), [
      "    0 B",
      "  999 B",
      " 1.0 KB",
      " 4.0 GB",
      " 5.0 TB",
    ]);
    assert.deepEqual([undefined, 0, 61_000, 3_661_000].map(formatTime), [
      "--:--",
      "00:00",
      "01:01",
      "1:01:01",
    ]);
  });

  it("is 4.2's line where there is no terminal", () => {
    const lines: string[] = [];
    linesOfFiles("<-", (line) => void lines.push(line)).start("a\nb", 7);
    assert.deepEqual(lines, ["<- a\\u000ab (7)"]);
  });
});

describe("glob", () => {
  for (const [pattern, matches, others] of [
    ["*.log", ["a.log", ".log".slice(1) + ".log"], [".a.log", "a.txt"]],
    ["?", ["a", "ü", "*"], ["", "ab"]],
    ["[a-c]x", ["ax", "cx"], ["dx"]],
    ["[!a]x", ["bx"], ["ax"]],
    ["[]]", ["]"], ["["]],
    ["a[", ["a["], ["a"]],
    ["\\*", ["*"], ["a"]],
    [".*", [".a"], ["a"]],
    ["a+(b)|c$", ["a+(b)|c$"], ["aab"]],
  ] as const) {
    it(`${pattern} matches as in the shell`, () => {
      for (const name of matches) assert.ok(matchesGlob(name, pattern), name);
      for (const name of others) assert.ok(!matchesGlob(name, pattern), name);
    });
  }

  it("is told from a path without patterns", () => {
    assert.ok(isGlob("a*") && isGlob("[x]") && isGlob("a?"));
    assert.ok(!isGlob("a\\*b") && !isGlob("/tmp/a b"));
  });

  it("finds files on this machine, in order", async () => {
    const { folder, remove } = await temporaryFolder();
    try {
      for (const name of ["x/b.log", "x/a.log", "y/c.log", "y/.d.log"]) {
        mkdirSync(path.join(folder, path.dirname(name)), { recursive: true });
        writeFileSync(path.join(folder, name), "");
      }
      const found = await expandGlob(`${folder}/*/*.log`);
      assert.deepEqual(
        found.map((file) => path.relative(folder, file)),
        ["x/a.log", "x/b.log", "y/c.log"],
      );
      assert.deepEqual(await expandGlob(`${folder}/z/*`), []);
    } finally {
      await remove();
    }
  });
});
