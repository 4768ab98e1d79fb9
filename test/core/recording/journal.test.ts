import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { fileURLToPath } from "node:url";
import fc from "fast-check";
import { decodeFrames, encodeFrame, FrameType, type Frame } from "../../../core/recording/journal-frame.js";
import { temporaryFolder } from "../../kit/paths.js";
import { inPieces } from "./recorded.js";

const frames: Frame[] = [
  { type: FrameType.header, payload: Buffer.from("{}") },
  { type: FrameType.event, payload: Buffer.from('{"event":"x"}') },
  { type: FrameType.print, timeMs: 1234567890123, payload: Buffer.from([0, 255, 10, 13]) },
  { type: FrameType.print, timeMs: 1, payload: Buffer.alloc(0) },
];
const encoded = (list: readonly Frame[]): Buffer => Buffer.concat(list.flatMap(encodeFrame));

async function decode(bytes: Buffer, pieceSize = 7): Promise<{ frames: Frame[]; torn: number | undefined }> {
  const decoded: Frame[] = [];
  let torn: number | undefined;
  for await (const frame of decodeFrames(inPieces(bytes, pieceSize), (offset) => (torn = offset)))
    decoded.push(frame);
  return { frames: decoded, torn };
}

describe("journal frames", () => {
  it("come back as they were, however the bytes are cut", async () => {
    for (const size of [1, 2, 9, 10, 1000]) {
      assert.deepEqual(await decode(encoded(frames), size), { frames, torn: undefined });
    }
  });

  it("end before a frame that is cut short, at every possible length", async () => {
    const bytes = encoded(frames);
    const ends = frames.map((_, i) => encoded(frames.slice(0, i + 1)).length);
    for (let length = 0; length < bytes.length; length++) {
      const whole = ends.filter((end) => end <= length).length;
      const { frames: decoded, torn } = await decode(bytes.subarray(0, length), 64);
      assert.equal(decoded.length, whole, `cut at ${length}`);
      const lastEnd = ends[whole - 1] ?? 0;
      assert.equal(torn, length === lastEnd ? undefined : lastEnd, `cut at ${length}`);
    }
  });

  it("never yield a damaged frame", async () => {
    const bytes = encoded(frames);
    await fc.assert(
      fc.asyncProperty(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), async (position, flip) => {
        const damaged = Buffer.from(bytes);
        damaged[position] = (damaged[position] ?? 0) ^ flip;
        const { frames: decoded, torn } = await decode(damaged, 64);
        assert.deepEqual(decoded, frames.slice(0, decoded.length));
        assert.ok(decoded.length < frames.length && torn !== undefined);
      }),
    );
  });

  it("are refused when they are too large to be read back", () => {
    const payload = Buffer.alloc(1024 * 1024 + 1);
    assert.throws(() => encodeFrame({ type: FrameType.event, payload }), { code: "limit_exceeded" });
  });
});

describe("a journal on a disk that fills up", () => {
  it("rejects the print and every later one, and close, naming the file", async function () {
    this.timeout(10_000);
    const { folder, remove } = await temporaryFolder();
    try {
      // A file size limit fails writes in the middle of a file, as a full disk does.
      const script = fileURLToPath(new URL("./full-disk-writer.js", import.meta.url));
      const limited = `ulimit -f 64; trap '' XFSZ; exec "$0" "$@"`;
      const { stdout } = await promisify(execFile)("bash", ["-c", limited, process.execPath, script, folder]);
      const outcome = JSON.parse(stdout) as { failures: string[]; written: number };
      assert.equal(outcome.failures.length, 3);
      for (const message of outcome.failures)
        assert.match(message, /^unavailable: cannot write the recording .*\.journal: /);
      assert.ok(outcome.written > 0);
    } finally {
      await remove();
    }
  });
});
