/** Measures how soon a recording of 24 hours can be watched from its middle, and that time does not grow with its length. */
import { createWriteStream } from "node:fs";
import { rm } from "node:fs/promises";
import { cpus } from "node:os";
import path from "node:path";
import { pipeline } from "node:stream/promises";
import { createGzip } from "node:zlib";
import { systemClock } from "../core/plugin/clock.js";
import { silentLogger } from "../core/plugin/logger.js";
import { createPlayback, MAX_CHUNK_BYTES, type Playback } from "../core/recording/playback.js";
import { chunksName, eventsName, indexName } from "../core/recording/session-files.js";
import { writeWhole } from "../core/recording/durable-file.js";
import { MemoryRecordingStore } from "../test/core/recording/memory-store.js";
import { temporaryFolder } from "../test/kit/paths.js";

const SID = "0c490820-9ee2-4bcc-83c4-e4e4f4a52d25";
const DAY_MS = 24 * 3600_000;
const PIECE_BYTES = 1024;
/** A screen is redrawn as by top(1): lines of text with attributes, now and then after a clear. */
const PIECE = Buffer.from(`${"\u001b[1;32mnode1\u001b[0m a line of output\r\n".repeat(64)}`).subarray(
  0,
  PIECE_BYTES,
);
const CLEAR = Buffer.concat([Buffer.from("\u001b[H\u001b[2J"), PIECE]).subarray(0, PIECE_BYTES);
const CLEAR_EVERY = 1000;
const SEEKS = 20;
/** Work that grew with the recording's length would take a hundred times as long as for the short one. */
const BUDGETS = { firstFrameMs: 1000, growth: 10 };
/** Below this a ratio of times says nothing. */
const NOISE_MS = 5;

async function writeRecording(folder: string, frames: number, pieceBytes: number): Promise<void> {
  const events = async function* () {
    yield `{"event":"session.start","size":"80:25","time":"2026-11-22T00:00:00Z"}\n`;
    for (let i = 0; i < frames; i += 1000) {
      let lines = "";
      for (let n = i; n < Math.min(frames, i + 1000); n++) {
        const ms = Math.floor((n * DAY_MS) / frames);
        lines += `{"time":"2026-11-22T00:00:00Z","event":"print","bytes":${pieceBytes},"ms":${ms},"offset":${n * pieceBytes},"ei":${n},"ci":${n}}\n`;
      }
      yield lines;
    }
  };
  const output = async function* () {
    for (let n = 0; n < frames; n++) yield (n % CLEAR_EVERY === 0 ? CLEAR : PIECE).subarray(0, pieceBytes);
  };
  const zip = (source: () => AsyncIterable<string | Buffer>, name: string) =>
    pipeline(source, createGzip({ level: 1 }), createWriteStream(path.join(folder, name)));
  await zip(events, eventsName(SID, 0));
  await zip(output, chunksName(SID, 0));
  const entry = (type: "events" | "chunks", file: string) =>
    `${JSON.stringify({ file_name: file, type, index: 0, offset: 0 })}\n`;
  await writeWhole(
    path.join(folder, indexName(SID)),
    entry("events", eventsName(SID, 0)) + entry("chunks", chunksName(SID, 0)),
  );
}

/** Everything a player asks for before it has painted the screen of a moment. */
async function showFrom(playback: Playback, elapsedMs: number): Promise<void> {
  const { index } = await playback.timeline(SID, { elapsedMs }, 1000);
  for (const { offset, bytes } of (await playback.screen(SID, index)).parts) {
    for (let at = 0; at < bytes; at += MAX_CHUNK_BYTES) {
      await playback.chunk(SID, offset + at, Math.min(MAX_CHUNK_BYTES, bytes - at));
    }
  }
}

async function timed(run: () => Promise<unknown>): Promise<number> {
  const started = performance.now();
  await run();
  return performance.now() - started;
}

async function measure(
  frames: number,
  pieceBytes = PIECE_BYTES,
): Promise<{ unpackMs: number; firstFrameMs: number }> {
  const { folder, remove } = await temporaryFolder();
  try {
    await writeRecording(folder, frames, pieceBytes);
    const playback = createPlayback({
      store: new MemoryRecordingStore(),
      cacheDirectory: path.join(folder, "cache"),
      unpackedDirectory: folder,
      clock: systemClock,
      log: silentLogger,
    });
    const unpackMs = await timed(() => playback.timeline(SID, { index: 0 }, 1));
    const seeks: number[] = [];
    for (let i = 0; i < SEEKS; i++) {
      seeks.push(await timed(() => showFrom(playback, DAY_MS / 2 + (i * DAY_MS) / 100)));
    }
    return { unpackMs, firstFrameMs: Math.max(...seeks) };
  } finally {
    await rm(folder, { recursive: true, force: true }).then(remove);
  }
}

/** A busy shell: a print each second. Its first play unpacks it too. */
const shell = await measure(86_400, 128);
const shellColdMs = shell.unpackMs + shell.firstFrameMs;
const short = await measure(10_000);
const day = await measure(1_000_000);
const growth = day.firstFrameMs / Math.max(NOISE_MS, short.firstFrameMs);
const met =
  shellColdMs <= BUDGETS.firstFrameMs && day.firstFrameMs <= BUDGETS.firstFrameMs && growth <= BUDGETS.growth;
console.log(
  JSON.stringify(
    {
      benchmark: "playback",
      node: process.version,
      cpus: cpus().length,
      hours: 24,
      /** The first play of a shell's day, unpacking included. */
      shellFirstPlayMs: { value: Math.round(shellColdMs), budget: BUDGETS.firstFrameMs },
      frames: 1_000_000,
      outputBytes: 1_000_000 * PIECE_BYTES,
      /** Once per recording and auth server: unpacking the archive and building its indexes. */
      unpackMs: Math.round(day.unpackMs),
      /** The slowest of the seeks to the second half. */
      firstFrameMs: { value: Math.round(day.firstFrameMs), budget: BUDGETS.firstFrameMs, met },
      growthFrom10kFrames: Number(growth.toFixed(2)),
    },
    undefined,
    2,
  ),
);
if (!met) process.exitCode = 1;
