import { randomUUID } from "node:crypto";
import { badParameter } from "../errors/error.js";
import type { AuditEvent } from "../plugin/audit.js";
import { fieldsOf, type PendingAuditEvent } from "./catalogue.js";
import { fieldType, isOfType } from "./field-types.js";
import { trimEvent } from "./trim.js";

const NAME = /^[a-z][a-z0-9_.-]{0,63}$/;
const CODE = /^[A-Z0-9]{1,16}$/;
const UID = /^[0-9A-Za-z-]{1,64}$/;
const RFC3339 = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(\.\d+)?(Z|[+-]\d\d:\d\d)$/;

/**
 * Makes an event what every sink is promised: valid, with `uid` and `time` (UTC, milliseconds), keys in alphabetical
 * order at every depth, and small enough for any reader. Throws `bad_parameter` naming the field that is wrong.
 */
export function normaliseEvent(pending: PendingAuditEvent, now: Date): AuditEvent {
  const { event, code } = pending;
  if (typeof event !== "string" || !NAME.test(event)) throw badParameter("audit event without a valid name");
  if (typeof code !== "string" || !CODE.test(code))
    throw badParameter(`audit event ${event} has no valid code`);
  checkFields(pending);
  const uid = pending["uid"] === undefined || pending["uid"] === "" ? randomUUID() : pending["uid"];
  if (typeof uid !== "string" || !UID.test(uid)) throw wrongField(event, "uid");
  const time = pending["time"] === undefined ? now.toISOString() : canonicalTime(event, pending["time"]);
  return trimEvent(sortKeys({ ...pending, uid, time }) as AuditEvent);
}

function checkFields(pending: PendingAuditEvent): void {
  const spec = fieldsOf(pending.event, pending.code) ?? {};
  for (const [field, value] of Object.entries(pending)) {
    if (value === undefined) continue;
    const type = fieldType(spec, field);
    if (type !== undefined && !isOfType(type, value)) throw wrongField(pending.event, field);
    if (type === undefined && !isJson(value)) throw wrongField(pending.event, field);
  }
}

function canonicalTime(event: string, value: unknown): string {
  const parsed = typeof value === "string" && RFC3339.test(value) ? new Date(value) : undefined;
  if (parsed === undefined || Number.isNaN(parsed.getTime())) throw wrongField(event, "time");
  return parsed.toISOString();
}

/** Whether JSON keeps the value as it is. */
function isJson(value: unknown, depth = 0): boolean {
  if (value === null || typeof value === "string" || typeof value === "boolean") return true;
  if (typeof value === "number") return Number.isFinite(value);
  if (typeof value !== "object" || depth > 8) return false;
  return Object.values(value).every((item) => item === undefined || isJson(item, depth + 1));
}

function sortKeys(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sortKeys);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).filter(([, item]) => item !== undefined);
  entries.sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([key, item]) => [key, sortKeys(item)]));
}

const wrongField = (event: string, field: string): Error =>
  badParameter(`audit event ${event}: the field ${JSON.stringify(field.slice(0, 64))} is malformed`);
