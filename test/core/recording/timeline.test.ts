/** Recordings from their middle: the time index, and the checkpoints that screens are painted from. */
import assert from "node:assert/strict";
import { rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { buildCheckpoints, MAX_REPAINT_BYTES, readScreenParts } from "../../../core/recording/checkpoints.js";
import { ControlSequences } from "../../../core/recording/control-sequences.js";
import { ScreenModes } from "../../../core/recording/screen-modes.js";
import { buildTimeline, momentBefore, readTimeline } from "../../../core/recording/timeline.js";
import { temporaryFolder } from "../../kit/paths.js";

let folder: string;
let remove: () => Promise<void>;
beforeEach(async () => ({ folder, remove } = await temporaryFolder()));
afterEach(() => remove());

describe("the timeline of a recording", () => {
  const COUNT = 12_345;
  const indexed = async (lines: readonly unknown[]): Promise<string> => {
    const events = path.join(folder, "events");
    const target = path.join(folder, "timeline");
    await writeFile(events, lines.map((line) => `${JSON.stringify(line)}\n`).join(""));
    await buildTimeline(events, target);
    return target;
  };

  it("finds the frames of any moment, and the state before them", async () => {
    const prints = Array.from({ length: COUNT }, (_, i) => ({
      event: "print",
      ms: i * 10,
      offset: i * 7,
      bytes: 7,
    }));
    const timeline = await indexed([
      { event: "session.start", size: "80:25" },
      ...prints.slice(0, 6000),
      { event: "resize", size: "100:30" },
      ...prints.slice(6000),
    ]);
    const found = await readTimeline(timeline, { elapsedMs: 70_000 }, 2);
    assert.deepEqual(found, {
      durationMs: (COUNT - 1) * 10,
      frameCount: COUNT + 2,
      index: 7003,
      frames: [
        { elapsedMs: 70_010, offset: 7001 * 7, bytes: 7 },
        { elapsedMs: 70_020, offset: 7002 * 7, bytes: 7 },
      ],
    });
    assert.deepEqual(await momentBefore(timeline, 7003), {
      elapsedMs: 70_000,
      outputBytes: 7001 * 7,
      size: { columns: 100, rows: 30 },
    });
    assert.deepEqual((await readTimeline(timeline, { index: 6001 }, 1)).frames, [
      { elapsedMs: 59_990, offset: 42_000, bytes: 0, size: { columns: 100, rows: 30 } },
    ]);
    assert.deepEqual((await readTimeline(timeline, { elapsedMs: 1e9 }, 9)).frames, []);
    assert.equal((await readTimeline(timeline, { index: 0 }, 1e6)).frames.length, 5000);
  });

  it("is empty for a session without output, and refuses what no session can have", async () => {
    const timeline = await indexed([{ event: "session.start" }, { event: "session.end" }]);
    assert.equal((await readTimeline(timeline, { index: 0 }, 5)).frameCount, 0);
    assert.deepEqual((await momentBefore(timeline, 3)).outputBytes, 0);
    const absurd = path.join(folder, "absurd");
    await writeFile(absurd, `{"event":"print","ms":${2 ** 50},"offset":0,"bytes":1}\n`);
    await assert.rejects(buildTimeline(absurd, path.join(folder, "t2")), { code: "corrupt" });
    await writeFile(absurd, "{no json\n");
    await assert.rejects(buildTimeline(absurd, path.join(folder, "t3")), { code: "corrupt" });
  });
});

describe("control sequences", () => {
  const tokens = (...pieces: string[]): string[] => {
    const sequences = new ControlSequences();
    return pieces.flatMap((piece) =>
      [...sequences.push(Buffer.from(piece))].map(({ kind, sequence }) => `${kind} ${sequence}`),
    );
  };

  it("are told from text, wherever output is cut", () => {
    const output = "a\u001b[1;31mb\u001b]0;title\u0007c\u001bPq\u001b\\d\u001b(0e";
    const whole = tokens(output);
    assert.deepEqual(whole, [
      ...["text a", "csi \u001b[1;31m", "text b", "string \u001b]0;title\u0007", "text c"],
      ...["string \u001bPq\u001b\\", "text d", "escape \u001b(0", "text e"],
    ]);
    for (let cut = 1; cut < output.length; cut++) {
      const kinds = tokens(output.slice(0, cut), output.slice(cut)).filter(
        (token) => !token.startsWith("text"),
      );
      assert.deepEqual(
        kinds,
        whole.filter((token) => !token.startsWith("text")),
        `cut at ${cut}`,
      );
    }
  });

  it("without end are not held for ever", () => {
    const sequences = new ControlSequences();
    let given = 0;
    for (let i = 0; i < 100; i++) {
      for (const token of sequences.push(Buffer.from(i === 0 ? "\u001b]0;" : "x".repeat(4096)))) {
        given += token.bytes.length;
      }
    }
    assert.ok(given > 300_000, String(given));
  });
});

describe("the modes of a screen", () => {
  const modesAfter = (...sequences: string[]): string => {
    const modes = new ScreenModes();
    for (const sequence of sequences) modes.apply(sequence);
    return modes.toString();
  };

  it("are brought back by sequences", () => {
    assert.equal(modesAfter(), "\u001b[0m");
    assert.equal(modesAfter("\u001b[1;31m", "\u001b[22m", "\u001b[44m"), "\u001b[0;31;44m");
    assert.equal(modesAfter("\u001b[38;5;9m", "\u001b[48;2;1;2;3m"), "\u001b[0;38;5;9;48;2;1;2;3m");
    assert.equal(modesAfter("\u001b[1m", "\u001b[m"), "\u001b[0m");
    assert.equal(modesAfter("\u001b[?1049h", "\u001b[?25l"), "\u001b[?1049h\u001b[?25l\u001b[0m");
    assert.equal(modesAfter("\u001b[2;20r", "\u001b(0"), "\u001b(0\u001b[2;20r\u001b[0m");
  });

  it("leave out what does not show, and end with a reset", () => {
    assert.equal(modesAfter("\u001b[?1000h", "\u001b[?2004h", "\u001b[>4;1m"), "\u001b[0m");
    assert.equal(
      modesAfter("\u001b[?25l", "\u001b[7m", "\u001b[2;5r", "\u001bc"),
      "\u001b[?25h\u001b(B\u001b[r\u001b[0m",
    );
  });
});

describe("checkpoints", () => {
  const CLEAR = "\u001b[H\u001b[2J";
  const filler = (bytes: number): string => "line\r\n".repeat(Math.ceil(bytes / 6)).slice(0, bytes);
  const MIB = 1024 * 1024;
  const partsAt = async (output: string, at = Buffer.byteLength(output)) => {
    const [file, target] = [path.join(folder, "output"), path.join(folder, "checkpoints")];
    await writeFile(file, output);
    await rm(target, { force: true });
    await buildCheckpoints(file, target);
    return readScreenParts(target, at);
  };

  it("paint a short recording from its beginning", async () => {
    assert.deepEqual(await partsAt("hello"), [{ modes: "", offset: 0, bytes: 5 }]);
  });

  it("paint from the last clear, with the modes that outlived it", async () => {
    const before = `${filler(MIB)}\u001b[1;32m`;
    const [part, ...others] = await partsAt(`${before}${CLEAR}after`);
    assert.deepEqual(others, []);
    assert.deepEqual(part, { modes: "\u001b[0;1;32m", offset: before.length, bytes: CLEAR.length + 5 });
    const spread = `${filler(MIB)}\u001b[H\u001b[m\u001b[J`;
    const [erased] = await partsAt(`${spread}x`);
    assert.equal(erased?.offset, MIB, "an erase after going home, attributes between");
  });

  it("do not take what clears only a part for a clear", async () => {
    for (const part of [
      "\u001b[J",
      "\u001b[11H\u001b[2K",
      "\u001b[2J text \u001b[H",
      "\u001b[5;5H\u001b[J",
    ]) {
      const [painted] = await partsAt(filler(300_000) + part);
      assert.equal(painted?.offset, 0, JSON.stringify(part));
    }
  });

  it("paint output that never clears from no more than 4 MiB back", async () => {
    const output = filler(9 * MIB);
    for (const at of [MIB, 5 * MIB, 9 * MIB]) {
      const parts = await partsAt(output, at);
      const [part] = parts;
      assert.ok(
        part && part.bytes <= MAX_REPAINT_BYTES && part.offset + part.bytes === at,
        JSON.stringify(part),
      );
      assert.ok(part.bytes >= Math.min(at, 3 * MIB), "and from far enough back to fill a screen");
    }
  });

  it("paint the main screen beneath the alternate one first", async () => {
    const main = "shell$ vim\r\n";
    const enter = "\u001b[?1049h\u001b[?25l";
    const editing = filler(MIB);
    const output = `${main}${enter}${editing}${CLEAR}page`;
    assert.deepEqual(await partsAt(output), [
      { modes: "", offset: 0, bytes: main.length },
      {
        modes: "\u001b[?1049h\u001b[?25l\u001b[0m",
        offset: main.length + enter.length + editing.length,
        bytes: CLEAR.length + 4,
      },
    ]);
    const left = `${output}\u001b[?1049lshell$ `;
    assert.equal((await partsAt(left)).length, 2, "the checkpoint lies in the alternate screen");
  });

  it("stay few, whatever the output", async () => {
    const parts = await partsAt(CLEAR.repeat(300_000));
    assert.ok(parts[0] && parts[0].bytes < 600_000);
  });
});
