/**
 * Every audit event: its name, its code for each outcome, and its fields (features.md §9.6, wire.md §9.1).
 *
 * Names, codes and fields are those of 4.2, so that its tools and its stores read ours.
 */
import type { FieldSpec, FieldsOf } from "./field-types.js";
import { SFTP_EVENT_KINDS } from "./sftp-catalogue.js";

/** One kind of event. */
interface EventKind {
  readonly event: string;
  /** The code of each outcome. */
  readonly codes: Readonly<Record<string, string>>;
  readonly fields: FieldSpec;
}

/** `ei` of events that sort behind all others of their session. */
export const LAST_EVENT_INDEX = 2147483647;
/** `ei` of `session.data`, which sorts last but for `session.upload`. */
export const SESSION_DATA_INDEX = 2147483646;

const IDENTITY = { user: "string", login: "string" } as const;
const ADDRESSES = { "addr.local": "string?", "addr.remote": "string" } as const;
const SESSION = { sid: "string", namespace: "string", server_id: "string", ei: "integer?" } as const;
/** Of forwarded connections: the target, `host:port` or `unix:path`, and (ours) which way it is forwarded. */
const FORWARD = { addr: "string?", kind: "string?" } as const;
const COMMAND = { command: "string", exitCode: "string?", exitError: "string?" } as const;

/** Types of backends; `asked_by` is `tctl`, `reload` or `start`. */
const STORAGE_MOVE = { from: "string", to: "string", asked_by: "string" } as const;

/** The catalogue. The keys are ours, `event` and `codes` are what is logged. */
export const EVENT_KINDS = {
  userLogin: {
    event: "user.login",
    codes: { success: "T1000I", failure: "T1000W" },
    fields: {
      "user": "string",
      "method": "string",
      "success": "boolean",
      "error": "string?",
      "addr.remote": "string?",
    },
  },
  /** Also the creation of a user, as in 4.2. `expires` is RFC 3339, `0001-01-01T00:00:00Z` for never. */
  userUpdate: {
    event: "user.update",
    codes: { success: "T1002I" },
    fields: { user: "string", expires: "string", roles: "strings", connector: "string" },
  },
  userDelete: { event: "user.delete", codes: { success: "T1003I" }, fields: { user: "string" } },
  /** As of 4.3; `user` is who did it, where a user did. */
  roleUpdate: {
    event: "role.updated",
    codes: { success: "T9000I" },
    fields: { name: "string", user: "string?" },
  },
  roleDelete: {
    event: "role.deleted",
    codes: { success: "T9001I" },
    fields: { name: "string", user: "string?" },
  },
  /** As of 7.1. `target` holds what has to fit; `expires` is RFC 3339, absent for never; `user` is who did it. */
  lockCreated: {
    event: "lock.created",
    codes: { success: "TLK00I" },
    fields: { name: "string", target: "map", message: "string?", expires: "string?", user: "string?" },
  },
  lockDeleted: {
    event: "lock.deleted",
    codes: { success: "TLK01I" },
    fields: { name: "string", user: "string?" },
  },
  /** Ours; `moved` says whether the cluster was moved to another storage. */
  reload: {
    event: "config.reload",
    codes: { success: "TRL00I", failure: "TRL00W" },
    fields: { file: "string", moved: "boolean", error: "string?" },
  },
  /** Ours; told before anything is changed. `user` is who asked, where a user did. */
  storageMoveStart: {
    event: "storage.move.start",
    codes: { success: "TSM00I" },
    fields: { ...STORAGE_MOVE, user: "string?" },
  },
  /** Ours; of the failures, `id` is absent where nothing had been changed. */
  storageMoveEnd: {
    event: "storage.move.end",
    codes: { success: "TSM01I", failure: "TSM01W" },
    fields: {
      ...STORAGE_MOVE,
      id: "string?",
      items: "integer?",
      pause_ms: "integer?",
      error: "string?",
    },
  },
  /** Ours; the end of the move follows. */
  storageMoveAbort: {
    event: "storage.move.abort",
    codes: { success: "TSM02I" },
    fields: { user: "string?" },
  },
  /** Ours; told before it starts. `user` is who asked, where a user did. */
  storageBench: {
    event: "storage.bench",
    codes: { success: "TSB00I" },
    fields: {
      backend: "string",
      duration_ms: "integer",
      in_flight: "integer",
      value_bytes: "integer",
      user: "string?",
    },
  },
  sessionStart: {
    event: "session.start",
    codes: { success: "T2000I" },
    fields: {
      ...SESSION,
      ...IDENTITY,
      ...ADDRESSES,
      server_hostname: "string",
      server_labels: "map",
      /** `W:H`; interactive sessions only. */
      size: "string?",
      /** As of 4.4: the command that is about to be run, in one string; absent for shells. */
      initial_command: "strings?",
    },
  },
  sessionJoin: {
    event: "session.join",
    codes: { success: "T2001I" },
    fields: { ...SESSION, ...IDENTITY, ...ADDRESSES },
  },
  resize: {
    event: "resize",
    codes: { success: "T2002I" },
    fields: { ...SESSION, ...IDENTITY, size: "string" },
  },
  sessionLeave: {
    event: "session.leave",
    codes: { success: "T2003I" },
    fields: { ...SESSION, user: "string" },
  },
  sessionEnd: {
    event: "session.end",
    codes: { success: "T2004I" },
    fields: {
      ...SESSION,
      /** Interactive sessions only. */
      user: "string?",
      interactive: "boolean",
      enhanced_recording: "boolean",
      participants: "strings",
      /** Ours: the recording host died, and the end was added when it came back. */
      interrupted: "boolean?",
    },
  },
  /**
   * As of 4.4: a connection or a session was refused since its user has too many; `reason` is `max_connections limit
   * reached` or `max_sessions limit reached`, `max` the limit.
   */
  sessionRejected: {
    event: "session.rejected",
    codes: { failure: "T1006W" },
    fields: { ...IDENTITY, ...ADDRESSES, reason: "string", max: "integer", server_id: "string" },
  },
  sessionUpload: {
    event: "session.upload",
    codes: { success: "T2005I" },
    fields: { sid: "string", url: "string", namespace: "string?", ei: "integer" },
  },
  /** Bytes of one channel; without `sid` for exec. */
  sessionData: {
    event: "session.data",
    codes: { success: "T2006I" },
    fields: {
      ...IDENTITY,
      ...ADDRESSES,
      ...FORWARD,
      sid: "string?",
      namespace: "string?",
      server_id: "string",
      tx: "integer",
      rx: "integer",
      ei: "integer",
    },
  },
  subsystem: {
    event: "subsystem",
    codes: { success: "T3001I", failure: "T3001E" },
    fields: { ...IDENTITY, ...ADDRESSES, name: "string", exitError: "string?" },
  },
  /** `exitCode` is a decimal string. */
  exec: {
    event: "exec",
    codes: { success: "T3002I", failure: "T3002E" },
    fields: {
      ...IDENTITY,
      ...ADDRESSES,
      ...COMMAND,
      namespace: "string",
      server_id: "string?",
      sid: "string?",
    },
  },
  /** A forwarded connection, or one that was refused. */
  port: {
    event: "port",
    codes: { success: "T3003I", failure: "T3003E" },
    fields: { ...IDENTITY, ...ADDRESSES, ...FORWARD, addr: "string", success: "boolean", error: "string?" },
  },
  /** As of 4.3: an X11 client whose display is the user's, or one that was refused. `addr` is the display's listener. */
  x11Forward: {
    event: "x11-forward",
    codes: { success: "T3008I", failure: "T3008W" },
    fields: { ...IDENTITY, ...ADDRESSES, ...FORWARD, addr: "string", success: "boolean", error: "string?" },
  },
  scpDownload: {
    event: "scp",
    codes: { success: "T3004I", failure: "T3004E" },
    fields: { ...IDENTITY, ...ADDRESSES, ...COMMAND, namespace: "string", action: "string", path: "string" },
  },
  scpUpload: {
    event: "scp",
    codes: { success: "T3005I", failure: "T3005E" },
    fields: { ...IDENTITY, ...ADDRESSES, ...COMMAND, namespace: "string", action: "string", path: "string" },
  },
  ...SFTP_EVENT_KINDS,
  clientDisconnect: {
    event: "client.disconnect",
    codes: { success: "T3006I" },
    fields: { ...IDENTITY, ...ADDRESSES, server_id: "string", reason: "string" },
  },
  /** A refused authentication or authorisation. */
  authAttempt: {
    event: "auth",
    codes: { failure: "T3007W" },
    fields: {
      user: "string",
      login: "string?",
      ...ADDRESSES,
      success: "boolean",
      error: "string",
      /** Ours: how many refusals of an address this event stands for, where they came too fast to be told one by one. */
      count: "integer?",
    },
  },
} as const satisfies Readonly<Record<string, EventKind>>;

type Kinds = typeof EVENT_KINDS;

/** The key of a kind of event in {@link EVENT_KINDS}. */
export type EventKindName = keyof Kinds;

/** The outcomes that a kind has a code for. */
export type Outcome<K extends EventKindName> = keyof Kinds[K]["codes"] & string;

/** The fields of a kind. */
export type EventFields<K extends EventKindName> = FieldsOf<Kinds[K]["fields"]>;

/** An event that has not been emitted: the audit log adds `uid`, and `time` where it is absent. */
export interface PendingAuditEvent {
  readonly event: string;
  readonly code: string;
  readonly [field: string]: unknown;
}

/** Builds an event. Fields that are undefined are left out. */
export function auditEvent<K extends EventKindName>(
  kind: K,
  outcome: Outcome<K>,
  fields: EventFields<K>,
): PendingAuditEvent {
  const { event, codes } = EVENT_KINDS[kind] as EventKind;
  const code = codes[outcome];
  if (code === undefined) throw new TypeError(`audit event ${kind} has no outcome ${outcome}`);
  const given = Object.entries(fields as Record<string, unknown>).filter(([, value]) => value !== undefined);
  return { ...Object.fromEntries(given), event, code };
}

const SPECS: ReadonlyMap<string, FieldSpec> = new Map(
  Object.values<EventKind>(EVENT_KINDS).flatMap(({ event, codes, fields }) =>
    Object.values(codes).map((code) => [`${event} ${code}`, fields] as const),
  ),
);

/** The fields of the event with this name and code; undefined for one that is not in the catalogue. */
export function fieldsOf(event: string, code: string): FieldSpec | undefined {
  return SPECS.get(`${event} ${code}`);
}
