const NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;
/** Names that shells keep for themselves and refuse to import. */
const RESERVED = new Set(["_", "UID", "EUID", "PPID", "OPTIND", "SHELLOPTS", "BASHOPTS", "BASH_VERSINFO"]);
const MAX_VALUE_BYTES = 64 * 1024;

/** Whether a client may set the variable: a shell name, not reserved, and none of those that name the session. */
export function isSettable(name: string, value: string): boolean {
  return (
    NAME.test(name) &&
    name.length <= 256 &&
    !RESERVED.has(name) &&
    !name.startsWith("SSH_") &&
    !value.includes("\0") &&
    Buffer.byteLength(value) <= MAX_VALUE_BYTES
  );
}
