/** Recordings written as they are, or in formats that other programs read. */
import { stringify } from "yaml";
import { AsciicastEncoder } from "../../../recording/asciicast.js";
import type { RecordedSize } from "../../../resources/timeline.js";
import { PlayFrames } from "./frames.js";
import type { PlayRange } from "./session.js";
import type { RecordingSource } from "./source.js";
import { SessionOutput } from "../session-output.js";

/** Takes what is written; resolves when it is taken. */
export type Write = (data: string | Uint8Array) => Promise<void>;

/** A format of `tsh play --format`. */
export type ExportFormat = "pty" | "json" | "yaml" | "asciicast";

/** What to write of a recording, and where to. */
export interface Export extends PlayRange {
  readonly source: RecordingSource;
  readonly write: Write;
  /** For asciicast: longer pauses are shortened to this by the player. */
  readonly idleLimitMs?: number | undefined;
}

const DEFAULT_SIZE: RecordedSize = { columns: 80, rows: 25 };

/** Writes a recording: `pty` is the session's bytes; events are JSON lines or YAML documents, output in them base64. */
export async function exportSession(format: ExportFormat, what: Export): Promise<void> {
  if (format === "pty") await writeOutput(what);
  else if (format === "asciicast") await writeAsciicast(what);
  else await writeEvents(what, format === "json" ? jsonLine : yamlDocument);
}

const jsonLine = (event: unknown): string => `${JSON.stringify(event)}\n`;
const yamlDocument = (event: unknown): string => `---\n${stringify(event)}`;

async function writeOutput({ source, write, fromMs, toMs }: Export): Promise<void> {
  const frames = new PlayFrames(source);
  const output = new SessionOutput(source);
  for await (const { offset, bytes } of frames.range(await firstIndex(frames, fromMs), toMs)) {
    for await (const piece of output.read(offset, bytes)) await write(piece);
  }
}

async function writeEvents(
  { source, write, fromMs = 0, toMs = Infinity }: Export,
  encode: (event: unknown) => string,
): Promise<void> {
  const output = new SessionOutput(source);
  let elapsedMs = 0;
  let cursor: string | undefined;
  do {
    const page = await source.eventPage(cursor);
    for (const { id: _, ...event } of page.events) {
      if (typeof event["ms"] === "number") elapsedMs = event["ms"];
      if (elapsedMs < fromMs || elapsedMs > toMs) continue;
      await write(
        encode(event["event"] === "print" ? { ...event, data: await dataOf(event, output) } : event),
      );
    }
    cursor = page.next;
  } while (cursor !== undefined);
}

async function dataOf(event: Readonly<Record<string, unknown>>, output: SessionOutput): Promise<string> {
  const pieces: Uint8Array[] = [];
  for await (const piece of output.read(Number(event["offset"]), Number(event["bytes"]))) pieces.push(piece);
  return Buffer.concat(pieces).toString("base64");
}

async function writeAsciicast({ source, write, fromMs, toMs, idleLimitMs }: Export): Promise<void> {
  const frames = new PlayFrames(source);
  const output = new SessionOutput(source);
  const encoder = new AsciicastEncoder();
  const index = await firstIndex(frames, fromMs);
  const screen = await source.screen(index);
  let size = screen.size ?? (await frames.at(index))?.size ?? DEFAULT_SIZE;
  const title = `session ${source.sessionId}`;
  await write(encoder.header({ size, started: await startOf(source), title, idleLimitMs }));

  const writeRange = async (atMs: number, offset: number, bytes: number): Promise<void> => {
    for await (const piece of output.read(offset, bytes)) await write(encoder.output(atMs, piece));
  };
  const startMs = fromMs ?? 0;
  for (const { modes, offset, bytes } of index === 0 ? [] : screen.parts) {
    if (modes !== "") await write(encoder.output(0, Buffer.from(modes)));
    await writeRange(0, offset, bytes);
  }
  for await (const frame of frames.range(index, toMs)) {
    const atMs = Math.max(0, frame.elapsedMs - startMs);
    const { size: changed } = frame;
    if (changed && (changed.columns !== size.columns || changed.rows !== size.rows)) {
      size = changed;
      await write(encoder.resize(atMs, size));
    }
    await writeRange(atMs, frame.offset, frame.bytes);
  }
}

async function firstIndex(frames: PlayFrames, fromMs: number | undefined): Promise<number> {
  return fromMs === undefined ? 0 : frames.after(fromMs);
}

async function startOf(source: RecordingSource): Promise<Date | undefined> {
  const time = (await source.eventPage()).events[0]?.["time"];
  const started = new Date(typeof time === "string" ? time : NaN);
  return Number.isNaN(started.getTime()) ? undefined : started;
}
