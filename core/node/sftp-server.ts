/**
 * The `sftp` subsystem: the system's own sftp-server, run as the login like any command. Where there is none the
 * subsystem is refused; `scp -O` still works.
 */
import { accessSync, constants } from "node:fs";

/** Where distributions install OpenSSH's sftp-server. */
const PATHS = [
  "/usr/lib/openssh/sftp-server",
  "/usr/libexec/openssh/sftp-server",
  "/usr/lib/ssh/sftp-server",
  "/usr/libexec/sftp-server",
  "/usr/lib/sftp-server",
];

/** The path of the sftp server; undefined where none is installed. Looked for anew each time, as packages come and go. */
export function findSftpServer(): string | undefined {
  return PATHS.find((path) => {
    try {
      accessSync(path, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}
