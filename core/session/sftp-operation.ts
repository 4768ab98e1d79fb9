/** What sftp requests do to files (draft-ietf-secsh-filexfer-02 §6, OpenSSH PROTOCOL §4). */
import type { SftpEventKind } from "../audit/sftp-catalogue.js";
import { badParameter } from "../errors/error.js";
import type { SshReader } from "../pki/ssh-wire.js";
import { SFTP } from "./sftp-packets.js";

/** An operation that changes or opens something. */
export interface SftpOperation {
  readonly kind: Exclude<SftpEventKind, "sftpClose">;
  readonly path: string;
  readonly targetPath?: string | undefined;
  readonly flags?: number | undefined;
  readonly attributes?: Readonly<Record<string, string>> | undefined;
}

const ATTRIBUTE = { size: 1, owner: 2, permissions: 4, times: 8 };
/** Requests that change no file: lstat, fstat, opendir, readdir, realpath, stat and readlink. */
const HARMLESS: ReadonlySet<number> = new Set([7, 8, 11, 12, 16, 17, 19]);
/**
 * Extensions that change no file, or only one whose opening is on record. Others are refused: they may change files, or,
 * as `version-select` does, the protocol itself.
 */
const HARMLESS_EXTENSIONS: ReadonlySet<string> = new Set([
  ...["statvfs@openssh.com", "fstatvfs@openssh.com", "fsync@openssh.com", "limits@openssh.com"],
  ...["expand-path@openssh.com", "users-groups-by-id@openssh.com", "home-directory", "copy-data"],
  ...["check-file", "check-file-name", "check-file-handle", "md5-hash", "md5-hash-handle"],
  ...["space-available", "vendor-id"],
]);
const PERMISSION_BITS = 0o7777;

/**
 * Reads the operation of a request whose id has been read already; undefined for requests that change nothing.
 * `pathOf` resolves handles. Throws `bad_parameter` where the request is malformed or unknown.
 */
export function readOperation(
  type: number,
  reader: SshReader,
  pathOf: (handle: Buffer) => string,
): SftpOperation | undefined {
  switch (type) {
    case SFTP.open: {
      const path = pathFrom(reader);
      return { kind: "sftpOpen", path, flags: reader.uint32() };
    }
    case SFTP.setstat:
      return { kind: "sftpSetstat", path: pathFrom(reader), attributes: readAttributes(reader) };
    case SFTP.fsetstat:
      return { kind: "sftpFsetstat", path: pathOf(reader.string()), attributes: readAttributes(reader) };
    case SFTP.remove:
      return { kind: "sftpRemove", path: pathFrom(reader) };
    case SFTP.mkdir:
      return { kind: "sftpMkdir", path: pathFrom(reader) };
    case SFTP.rmdir:
      return { kind: "sftpRmdir", path: pathFrom(reader) };
    case SFTP.rename:
      return { kind: "sftpRename", path: pathFrom(reader), targetPath: pathFrom(reader) };
    case SFTP.symlink:
      return readSymlink(reader);
    case SFTP.extended:
      return readExtended(reader);
    default:
      if (!HARMLESS.has(type)) throw badParameter(`an sftp request of type ${type} cannot be audited`);
      return undefined;
  }
}

/** OpenSSH, and all who work with it, send the two paths in the other order than the draft. */
function readSymlink(reader: SshReader): SftpOperation {
  const targetPath = pathFrom(reader);
  return { kind: "sftpSymlink", path: pathFrom(reader), targetPath };
}

function readExtended(reader: SshReader): SftpOperation | undefined {
  const extension = reader.text();
  switch (extension) {
    case "posix-rename@openssh.com":
      return { kind: "sftpRename", path: pathFrom(reader), targetPath: pathFrom(reader) };
    case "hardlink@openssh.com":
      return { kind: "sftpLink", path: pathFrom(reader), targetPath: pathFrom(reader) };
    case "lsetstat@openssh.com":
      return { kind: "sftpSetstat", path: pathFrom(reader), attributes: readAttributes(reader) };
    default:
      if (HARMLESS_EXTENSIONS.has(extension)) return undefined;
      throw badParameter(`the sftp extension ${JSON.stringify(extension.slice(0, 64))} cannot be audited`);
  }
}

/** ATTRS (§5). Times are written in UTC. */
function readAttributes(reader: SshReader): Record<string, string> {
  const flags = reader.uint32();
  const attributes: Record<string, string> = {};
  if (flags & ATTRIBUTE.size) attributes["size"] = String(reader.uint64());
  if (flags & ATTRIBUTE.owner) {
    attributes["uid"] = String(reader.uint32());
    attributes["gid"] = String(reader.uint32());
  }
  if (flags & ATTRIBUTE.permissions) {
    attributes["permissions"] = (reader.uint32() & PERMISSION_BITS).toString(8).padStart(4, "0");
  }
  if (flags & ATTRIBUTE.times) {
    attributes["access_time"] = time(reader.uint32());
    attributes["modification_time"] = time(reader.uint32());
  }
  return attributes;
}

const time = (seconds: number): string => new Date(seconds * 1000).toISOString();

/** File names are bytes; what is no UTF-8 in them is shown as U+FFFD. */
const pathFrom = (reader: SshReader): string => reader.string().toString("utf8");
