/**
 * The system's files about logins: who is logged in (utmp), who was (wtmp), and each user's latest login (lastlog).
 * None of them is made where the system does not keep it, as by sshd.
 */
import { type FileHandle, open } from "node:fs/promises";
import { unavailable } from "../../errors/error.js";
import type { Clock } from "../../plugin/clock.js";
import { tryLockFile } from "../libc.js";
import {
  decodeLines,
  encodeLastlog,
  encodeRecord,
  LASTLOG_BYTES,
  lineId,
  type LoginRecord,
  RECORD_BYTES,
  RECORD_TYPE,
} from "./accounting-record.js";

/** Where the files are. */
export interface AccountingPaths {
  readonly utmp: string;
  readonly wtmp: string;
  readonly lastlog: string;
}

/** Where Linux keeps them. */
export const SYSTEM_ACCOUNTING: AccountingPaths = {
  utmp: "/var/run/utmp",
  wtmp: "/var/log/wtmp",
  lastlog: "/var/log/lastlog",
};

/** Everybody may read the files, and so lock them: waiting has an end. */
const LOCK_TRIES = 40;
const LOCK_WAIT_MS = 50;

/** Writes a login to all three files. Throws `unavailable`, or what the file system says. */
export async function writeLogin(paths: AccountingPaths, login: LoginRecord, clock: Clock): Promise<void> {
  const at = clock.now();
  const record = encodeRecord(login, "USER", at);
  const latest = encodeLastlog(login, at);
  await allOf(
    change(paths.utmp, clock, async (file) => {
      const lines = decodeLines(await file.readFile());
      const slot = lines.findIndex((line) => takesLine(line.type) && line.id === lineId(login.line));
      await file.write(record, 0, record.length, (slot < 0 ? lines.length : slot) * RECORD_BYTES);
    }),
    append(paths.wtmp, record, clock),
    change(paths.lastlog, clock, async (file) => {
      await file.write(latest, 0, latest.length, login.uid * LASTLOG_BYTES);
    }),
  );
}

/**
 * Writes the end of a login to utmp and wtmp, unless the terminal is somebody else's by now. Throws `unavailable`, or
 * what the file system says.
 */
export async function writeLogout(paths: AccountingPaths, login: LoginRecord, clock: Clock): Promise<void> {
  const record = encodeRecord(login, "DEAD", clock.now());
  let passedOn = false;
  const leaving = change(paths.utmp, clock, async (file) => {
    const lines = decodeLines(await file.readFile());
    const slot = lines.findIndex(({ type, id }) => type === RECORD_TYPE.USER && id === lineId(login.line));
    passedOn = slot >= 0 && lines[slot]?.pid !== login.pid;
    if (slot >= 0 && !passedOn) await file.write(record, 0, record.length, slot * RECORD_BYTES);
  });
  const left = leaving
    .catch(() => undefined)
    .then(() => (passedOn ? undefined : append(paths.wtmp, record, clock)));
  await allOf(leaving, left);
}

/** Waits for all of them, and throws what the first one threw: whoever locks one file does not keep the others from being written. */
async function allOf(...writing: readonly Promise<void>[]): Promise<void> {
  const failed = (await Promise.allSettled(writing)).find(({ status }) => status === "rejected");
  if (failed?.status === "rejected") throw failed.reason;
}

function takesLine(type: number): boolean {
  return type >= RECORD_TYPE.INIT && type <= RECORD_TYPE.DEAD;
}

function append(path: string, record: Buffer, clock: Clock): Promise<void> {
  return change(path, clock, async (file) => {
    const { size } = await file.stat();
    // What a writer that was cut off has left of a record is written over, or it would shift all that follow.
    await file.write(record, 0, record.length, size - (size % RECORD_BYTES));
  });
}

async function change(path: string, clock: Clock, work: (file: FileHandle) => Promise<void>): Promise<void> {
  const file = await open(path, "r+").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return undefined;
    throw error;
  });
  if (file === undefined) return;
  try {
    for (let tries = 0; !tryLockFile(file.fd); tries++) {
      if (tries === LOCK_TRIES) throw unavailable(`another process keeps ${path} locked`);
      await clock.sleep(LOCK_WAIT_MS);
    }
    await work(file);
  } finally {
    await file.close();
  }
}
