import type { Cursor } from "@teleport/plugin";
import type { Place, Position } from "./position.js";

/** What a cursor says. */
export interface CursorContent {
  /** The stream, whose name changes when it is switched off and on. */
  readonly arn: string;
  readonly position: Position;
  /** The run of one feed, and the number in it: a short cut for that feed. */
  readonly run: string;
  readonly index: number;
}

const MARKS = { sequence: "s", first: "f", start: "t", iterator: "i", ended: "e" } as const;

/** Writes a cursor. */
export function writeCursor({ arn, position, run, index }: CursorContent): Cursor {
  const places = [...position].map(([shard, place]) => [shard, MARKS[place.at] + detail(place)]);
  return JSON.stringify([1, arn, run, index, places]);
}

/** Reads a cursor of this plugin; undefined for anything else. */
export function readCursor(cursor: Cursor): CursorContent | undefined {
  let value: unknown;
  try {
    value = JSON.parse(cursor);
  } catch {
    return undefined;
  }
  if (!Array.isArray(value)) {
    return undefined;
  }
  const [version, arn, run, index, places] = value as unknown[];
  if (version !== 1 || typeof arn !== "string" || typeof run !== "string" || !Array.isArray(places)) {
    return undefined;
  }
  const position: Position = new Map();
  for (const entry of places as unknown[]) {
    const [shard, text] = Array.isArray(entry) ? (entry as unknown[]) : [];
    const place = typeof text === "string" ? readPlace(text) : undefined;
    if (typeof shard !== "string" || !place) {
      return undefined;
    }
    position.set(shard, place);
  }
  return position.size > 0 ? { arn, position, run, index: Number(index) } : undefined;
}

function detail(place: Place): string {
  switch (place.at) {
    case "sequence":
    case "first":
      return place.sequence;
    case "iterator":
      return place.iterator ?? "";
    case "start":
    case "ended":
      return "";
  }
}

function readPlace(text: string): Place | undefined {
  const rest = text.slice(1);
  const isNumber = /^[0-9]{1,64}$/.test(rest);
  switch (text[0]) {
    case MARKS.sequence:
      return isNumber ? { at: "sequence", sequence: rest } : undefined;
    case MARKS.first:
      return isNumber ? { at: "first", sequence: rest } : undefined;
    case MARKS.iterator:
      return rest === "" ? undefined : { at: "iterator", iterator: rest };
    case MARKS.start:
      return { at: "start" };
    case MARKS.ended:
      return { at: "ended" };
    case undefined:
    default:
      return undefined;
  }
}
