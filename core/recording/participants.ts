/** Who took part in a recorded session; found once, when the recording is unpacked. */
import { createReadStream } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { corrupt } from "../errors/error.js";
import { MAX_LINE_BYTES, splitLines } from "./lines.js";

const ENTRANCES = ["session.start", "session.join"] as const;

/** Writes the names of those who started or joined the session of an events file. Throws `corrupt`. */
export async function buildParticipants(eventsPath: string, target: string): Promise<void> {
  const users = new Set<string>();
  for await (const line of splitLines(createReadStream(eventsPath), MAX_LINE_BYTES)) {
    // Nearly all lines of a long recording are output: those are not even parsed.
    const user = ENTRANCES.some((name) => line.includes(name)) ? entrantOf(line) : undefined;
    if (user !== undefined) users.add(user);
  }
  await writeFile(target, JSON.stringify([...users]), { mode: 0o600 });
}

/** Reads what {@link buildParticipants} wrote, in the order of their entrance. */
export async function readParticipants(path: string): Promise<readonly string[]> {
  return JSON.parse(await readFile(path, "utf8")) as string[];
}

function entrantOf(line: Buffer): string | undefined {
  let event: { readonly event?: unknown; readonly user?: unknown };
  try {
    event = Object(JSON.parse(line.toString("utf8"))) as typeof event;
  } catch (cause) {
    throw corrupt("a line of the recording is damaged", { cause });
  }
  const enters = ENTRANCES.some((name) => event.event === name);
  return enters && typeof event.user === "string" ? event.user : undefined;
}
