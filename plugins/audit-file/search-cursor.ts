import { badParameter, type AuditQuery } from "@teleport/plugin";
import { dayOfFile } from "./day-file.js";

/** Where a page of a search ended. */
export interface SearchPosition {
  /** The file's name. */
  readonly file: string;
  /** Behind the last line of the page; before it where the search goes back in time. */
  readonly offset: number;
}

/** Encodes a position together with the order it belongs to. */
export function encodeCursor(position: SearchPosition, order: AuditQuery["order"]): string {
  return Buffer.from(JSON.stringify([order, position.file, position.offset])).toString("base64url");
}

/** Decodes a cursor. Throws `bad_parameter` for one that this search did not make. */
export function decodeCursor(cursor: string, order: AuditQuery["order"]): SearchPosition {
  let fields: unknown;
  try {
    fields = JSON.parse(Buffer.from(cursor, "base64url").toString("utf8"));
  } catch {
    fields = undefined;
  }
  const [cursorOrder, file, offset] = Array.isArray(fields) ? (fields as unknown[]) : [];
  if (
    typeof file !== "string" ||
    dayOfFile(file) === undefined ||
    !Number.isSafeInteger(offset) ||
    Number(offset) < 0
  ) {
    throw badParameter("the cursor is malformed; start the search again without it");
  }
  if (cursorOrder !== order) throw badParameter("the cursor belongs to a search in the other order");
  return { file, offset: offset as number };
}
