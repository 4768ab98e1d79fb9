/**
 * Audit events of file transfers by sftp: names, codes and `action` numbers are those of Teleport 10 and later.
 *
 * What changes or opens something is told before it is passed on, so that nothing happens off the record; where the
 * server then refuses it, it is told again with the code of a failure.
 */
const FIELDS = {
  "user": "string",
  "login": "string",
  "addr.local": "string?",
  "addr.remote": "string",
  "sid": "string",
  "namespace": "string",
  "server_id": "string",
  /** The number of the operation, which its code holds too. */
  "action": "integer",
  /** As the client gave it; what it names is relative to the login's home where it does not begin with `/`. */
  "path": "string",
  /** The new name of a rename or hard link; what a symbolic link points to. */
  "target_path": "string?",
  /** Of open: SSH_FXF_* bits (draft-ietf-secsh-filexfer-02 §6.3). */
  "flags": "integer?",
  /** Of setstat: what is set, such as `permissions` in octal. */
  "attributes": "map?",
  /** Ours, of close: bytes of the file that went to the client and came from it. */
  "bytes_read": "integer?",
  "bytes_written": "integer?",
  "error": "string?",
} as const;

const operation = <N extends string>(
  number: N,
): {
  event: "sftp";
  codes: { success: `TS0${N}I`; failure: `TS0${N}E` };
  fields: typeof FIELDS;
} => ({ event: "sftp", codes: { success: `TS0${number}I`, failure: `TS0${number}E` }, fields: FIELDS });

/** The kinds of events of sftp, for the catalogue. */
export const SFTP_EVENT_KINDS = {
  sftpOpen: operation("01"),
  sftpClose: operation("02"),
  sftpSetstat: operation("07"),
  sftpFsetstat: operation("08"),
  sftpRemove: operation("11"),
  sftpMkdir: operation("12"),
  sftpRmdir: operation("13"),
  sftpRename: operation("16"),
  sftpSymlink: operation("18"),
  sftpLink: operation("19"),
} as const;

/** The key of a kind of sftp event. */
export type SftpEventKind = keyof typeof SFTP_EVENT_KINDS;

/** `action` of each kind. */
export const SFTP_ACTIONS: Readonly<Record<SftpEventKind, number>> = {
  sftpOpen: 1,
  sftpClose: 2,
  sftpSetstat: 7,
  sftpFsetstat: 8,
  sftpRemove: 11,
  sftpMkdir: 12,
  sftpRmdir: 13,
  sftpRename: 16,
  sftpSymlink: 18,
  sftpLink: 19,
};
