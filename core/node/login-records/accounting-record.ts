/** The records of utmp(5), wtmp and lastlog as glibc lays them out on 64-bit Linux. */
import { isIP } from "node:net";

/** An interactive login. */
export interface LoginRecord {
  /** The terminal without `/dev/`: `pts/3`. */
  readonly line: string;
  /** The first process on the terminal. */
  readonly pid: number;
  /** The OS login. */
  readonly user: string;
  readonly uid: number;
  /** Where the user comes from: an IP address. */
  readonly host: string;
}

/** What a record of utmp says about its line. */
export interface LineState {
  readonly type: number;
  readonly pid: number;
  readonly id: string;
}

/** Values of `ut_type`. */
export const RECORD_TYPE = { INIT: 5, USER: 7, DEAD: 8 } as const;

/** Where the fields that differ between architectures lie. */
interface Layout {
  readonly bytes: number;
  readonly seconds: number;
  readonly microseconds: number;
  readonly address: number;
  /** Bytes of the time at the start of a record of lastlog. */
  readonly lastlogTimeBytes: number;
}

const COMPATIBLE_WITH_32_BITS: Layout = {
  ...{ bytes: 384, seconds: 340, microseconds: 344, address: 348 },
  lastlogTimeBytes: 4,
};
const ALL_64_BITS: Layout = {
  ...{ bytes: 400, seconds: 344, microseconds: 352, address: 360 },
  lastlogTimeBytes: 8,
};
const LAYOUT = process.arch === "x64" ? COMPATIBLE_WITH_32_BITS : ALL_64_BITS;

const PID = 4;
const LINE = { at: 8, bytes: 32 };
const ID = { at: 40, bytes: 4 };
const USER = { at: 44, bytes: 32 };
const HOST = { at: 76, bytes: 256 };

/** Size of a record of utmp and wtmp. */
export const RECORD_BYTES = LAYOUT.bytes;
/** Size of a record of lastlog, which has one for each user id. */
export const LASTLOG_BYTES = LAYOUT.lastlogTimeBytes + LINE.bytes + HOST.bytes;

/** Names a line in utmp as sshd does, by its last four characters. */
export function lineId(line: string): string {
  return line.slice(-ID.bytes);
}

/** The record of a login, or of its end. */
export function encodeRecord(login: LoginRecord, type: "USER" | "DEAD", at: Date): Buffer {
  const record = Buffer.alloc(LAYOUT.bytes);
  record.writeInt16LE(RECORD_TYPE[type]);
  record.writeInt32LE(login.pid, PID);
  record.write(login.line, LINE.at, LINE.bytes);
  record.write(lineId(login.line), ID.at, ID.bytes);
  record.writeUInt32LE(Math.floor(at.getTime() / 1000), LAYOUT.seconds);
  record.writeUInt32LE((at.getTime() % 1000) * 1000, LAYOUT.microseconds);
  if (type === "DEAD") return record;
  record.write(login.user, USER.at, USER.bytes);
  record.write(login.host, HOST.at, HOST.bytes);
  addressBytes(login.host).copy(record, LAYOUT.address);
  return record;
}

/** The record of lastlog about a user's latest login. */
export function encodeLastlog({ line, host }: LoginRecord, at: Date): Buffer {
  const record = Buffer.alloc(LASTLOG_BYTES);
  record.writeUInt32LE(Math.floor(at.getTime() / 1000));
  record.write(line, LAYOUT.lastlogTimeBytes, LINE.bytes);
  record.write(host, LAYOUT.lastlogTimeBytes + LINE.bytes, HOST.bytes);
  return record;
}

/** Reads the whole records of a file; what is left of one at its end is passed over. */
export function decodeLines(file: Buffer): LineState[] {
  const count = Math.floor(file.length / LAYOUT.bytes);
  return Array.from({ length: count }, (_, i) => {
    const record = file.subarray(i * LAYOUT.bytes, (i + 1) * LAYOUT.bytes);
    const id = record.toString("latin1", ID.at, ID.at + ID.bytes).replace(/\0.*$/s, "");
    return { type: record.readInt16LE(), pid: record.readInt32LE(PID), id };
  });
}

/** In network order; nothing for what is no address. */
function addressBytes(host: string): Buffer {
  if (isIP(host) === 4) return Buffer.from(host.split(".").map(Number));
  if (isIP(host) !== 6) return Buffer.alloc(0);
  // The URL parser writes an embedded IPv4 address in hexadecimal.
  const [head = "", tail] = new URL(`http://[${host.replace(/%.*$/, "")}]`).hostname.slice(1, -1).split("::");
  const groups = (text: string | undefined): string[] => (text ? text.split(":") : []);
  const [before, after] = [groups(head), groups(tail)];
  const zeros = Array.from({ length: 8 - before.length - after.length }, () => "0");
  return Buffer.from([...before, ...zeros, ...after].map((group) => group.padStart(4, "0")).join(""), "hex");
}
