/**
 * The file `known_hosts` of the tsh folder. `<cluster> <key>` is an authority of a cluster's hosts, as 4.2 writes it.
 * A host whose plain key the user trusted has `<host> <key> trusted-host`: the comment keeps it from ever being taken
 * for an authority.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { formatKeyLine, parseAuthorizedKey } from "../../pki/ssh-key.js";
import { unlessMissing, writeFileAtomically } from "./atomic-file.js";
import { makePrivateDirectory } from "./tsh-directory.js";

const FOR_OPENSSH = "openssh_known_hosts";
const MODE = 0o640;
const TRUSTED_HOST = "trusted-host";

/** The host authorities of one cluster: public blobs. */
export interface HostAuthorities {
  readonly cluster: string;
  readonly keys: readonly Buffer[];
}

interface Entry {
  readonly name: string;
  readonly blob: Buffer;
  readonly isHost: boolean;
}

/** The known hosts of one tsh folder. */
export class KnownHosts {
  readonly #directory: string;
  readonly #path: string;

  constructor(directory: string) {
    this.#directory = directory;
    this.#path = join(directory, "known_hosts");
  }

  /** Public blobs of the authorities that vouch for a cluster's hosts. */
  authorities(cluster: string): Buffer[] {
    return this.#keys(cluster, false);
  }

  /** Plain keys of a host that the user has trusted. */
  trustedKeys(host: string): Buffer[] {
    return this.#keys(host, true);
  }

  /** Replaces the authorities of these clusters; every other line stays as it is. */
  saveAuthorities(clusters: readonly HostAuthorities[]): void {
    const replaced = new Set(clusters.map(({ cluster }) => cluster));
    const kept = this.#lines().filter((line) => {
      const entry = parseEntry(line);
      return entry === undefined || entry.isHost || !replaced.has(entry.name);
    });
    const added = clusters.flatMap(({ cluster, keys }) => keys.map((key) => entryLine(cluster, key, "")));
    this.#write([...kept, ...added]);
    this.writeForOpenSsh();
  }

  /**
   * Writes the authorities anew for OpenSSH, which takes an authority only from a line with a mark that 4.2 does not
   * know. Returns the file's path; each login keeps it up to date.
   */
  writeForOpenSsh(): string {
    const entries = this.#lines().map(parseEntry);
    const lines = entries.flatMap((entry) => {
      if (entry === undefined || entry.isHost) return [];
      return [`@cert-authority *.${entryLine(entry.name, entry.blob, "")}`];
    });
    const path = join(this.#directory, FOR_OPENSSH);
    writeFileAtomically(path, lines.map((line) => `${line}\n`).join(""), MODE);
    return path;
  }

  /** Remembers a plain key that the user has trusted. */
  trustKey(host: string, key: Buffer): void {
    this.#write([...this.#lines(), entryLine(host, key, TRUSTED_HOST)]);
  }

  #keys(name: string, isHost: boolean): Buffer[] {
    return this.#lines()
      .map(parseEntry)
      .flatMap((entry) => (entry?.name === name && entry.isHost === isHost ? [entry.blob] : []));
  }

  #lines(): string[] {
    const text = unlessMissing(() => readFileSync(this.#path, "utf8")) ?? "";
    return text.split("\n").filter((line) => line !== "");
  }

  #write(lines: readonly string[]): void {
    makePrivateDirectory(this.#directory);
    writeFileAtomically(this.#path, lines.map((line) => `${line}\n`).join(""), MODE);
  }
}

function entryLine(name: string, blob: Buffer, comment: string): string {
  return `${name} ${formatKeyLine(blob, comment).trimEnd()}`;
}

/** Undefined for comments and for lines that other programs understand. */
function parseEntry(line: string): Entry | undefined {
  const [, name, key] = /^([^\s#@|]\S*)\s+(\S.*)$/.exec(line) ?? [];
  if (name === undefined || key === undefined) return undefined;
  try {
    const { blob, comment } = parseAuthorizedKey(key);
    return { name, blob, isHost: comment === TRUSTED_HOST };
  } catch {
    return undefined;
  }
}
