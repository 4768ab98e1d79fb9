import { execFileSync } from "node:child_process";
import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { silentLogger, systemClock, type Clock } from "../../../core/plugin/index.js";
import { createRecorder, type Recorder } from "../../../core/recording/recorder.js";

/** The host that tests record on. */
export const SERVER_ID = "c90cd53e-7cd8-403f-92df-46f25929495f";

/** Starts a recording in a directory. */
export function recorderIn(
  directory: string,
  sessionId: string = randomUUID(),
  clock: Clock = systemClock,
): Promise<Recorder> {
  return createRecorder({
    directory,
    sessionId,
    namespace: "default",
    serverId: SERVER_ID,
    clock,
    log: silentLogger,
  });
}

/** Records a short interactive session and finishes it. */
export async function recordShort(
  directory: string,
  sessionId: string = randomUUID(),
  output = "hello",
): Promise<string> {
  const recorder = await recorderIn(directory, sessionId);
  await recorder.event({
    event: "session.start",
    code: "T2000I",
    user: "alice",
    login: "root",
    size: "80:25",
  });
  await recorder.print(Buffer.from(output));
  await recorder.event({ event: "session.end", code: "T2004I", user: "alice", interactive: true });
  await recorder.close();
  return sessionId;
}

/** The lines of a finished recording's events file. */
export function eventLines(directory: string, sessionId: string): Record<string, unknown>[] {
  const text = gunzipSync(readFileSync(join(directory, `${sessionId}-0.events.gz`))).toString("utf8");
  return text
    .split("\n")
    .filter(Boolean)
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}

/** The output of a finished recording. */
export function outputOf(directory: string, sessionId: string): Buffer {
  return gunzipSync(readFileSync(join(directory, `${sessionId}-0.chunks.gz`)));
}

/** Gathers a stream of bytes. */
export async function collect(source: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of source) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** Cuts bytes into small chunks, so that readers meet every boundary. */
export async function* inPieces(bytes: Buffer, size: number): AsyncGenerator<Uint8Array> {
  for (let start = 0; start < bytes.length; start += size) yield bytes.subarray(start, start + size);
}

/** What GNU tar lists of an archive, verbosely. */
export function tarList(path: string): string {
  return execFileSync("tar", ["-tvf", path], { encoding: "utf8" });
}
