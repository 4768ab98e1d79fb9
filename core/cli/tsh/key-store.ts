/** The keys and certificates of logins, in `keys/<proxy host>/` of the tsh folder (features.md §3.8). */
import { readdirSync, readFileSync, rmdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { unlessMissing, writeFileAtomically } from "./atomic-file.js";
import { makePrivateDirectory, pathSegment } from "./tsh-directory.js";

/** What a login left on disk. All values are text: PEM, or authorized_keys lines. */
export interface StoredKey {
  readonly privateKeyPem: string;
  readonly publicKeyLine: string;
  readonly certificateLine: string;
  readonly tlsCertificatePem: string;
}

const PRIVATE = 0o600;
const AUTHORITIES_MODE = 0o640;
const AUTHORITIES = "certs.pem";

/** A file's suffix after the user's name, per part of a key. The certificate comes last when they are written. */
const SUFFIXES: readonly (readonly [part: keyof StoredKey, suffix: string])[] = [
  ["privateKeyPem", ""],
  ["publicKeyLine", ".pub"],
  ["tlsCertificatePem", "-x509.pem"],
  ["certificateLine", "-cert.pub"],
];

/** The keys below one tsh folder. */
export class KeyStore {
  readonly #directory: string;

  constructor(directory: string) {
    this.#directory = join(directory, "keys");
  }

  /** The key of a login; undefined where there is none, or not all of it. */
  load(proxyHost: string, user: string): StoredKey | undefined {
    const parts = SUFFIXES.map(([part, suffix]) => {
      const path = this.#path(proxyHost, user, suffix);
      return [part, unlessMissing(() => readFileSync(path, "utf8"))] as const;
    });
    if (parts.some(([, text]) => text === undefined)) return undefined;
    return Object.fromEntries(parts) as Record<keyof StoredKey, string>;
  }

  /** Stores a key over an older one of the same login. */
  save(proxyHost: string, user: string, key: StoredKey): void {
    makePrivateDirectory(this.#directory);
    makePrivateDirectory(this.#proxyDirectory(proxyHost));
    for (const [part, suffix] of SUFFIXES) {
      writeFileAtomically(this.#path(proxyHost, user, suffix), key[part], PRIVATE);
    }
  }

  /** Where a login's private key and SSH certificate are, for other programs. */
  pathsOf(proxyHost: string, user: string): { readonly key: string; readonly certificate: string } {
    return {
      key: this.#path(proxyHost, user, ""),
      certificate: this.#path(proxyHost, user, "-cert.pub"),
    };
  }

  /** PEM of the trusted host authorities of a proxy's clusters; empty where none is known. */
  loadAuthorities(proxyHost: string): string {
    const path = join(this.#proxyDirectory(proxyHost), AUTHORITIES);
    return unlessMissing(() => readFileSync(path, "utf8")) ?? "";
  }

  /** Replaces the trusted host authorities. */
  saveAuthorities(proxyHost: string, pem: string): void {
    makePrivateDirectory(this.#proxyDirectory(proxyHost));
    writeFileAtomically(join(this.#proxyDirectory(proxyHost), AUTHORITIES), pem, AUTHORITIES_MODE);
  }

  /** Deletes a login's key; false where there was none. The key goes first: what is left is then useless. */
  delete(proxyHost: string, user: string): boolean {
    const existed = unlessMissing(() => readFileSync(this.#path(proxyHost, user, "-cert.pub"))) !== undefined;
    for (const [, suffix] of SUFFIXES) rmSync(this.#path(proxyHost, user, suffix), { force: true });
    this.#removeIfUnused(proxyHost);
    return existed;
  }

  /** The logins that have a key: host of the proxy, and user. */
  logins(): { proxyHost: string; user: string }[] {
    return entries(this.#directory).flatMap((proxyHost) =>
      entries(join(this.#directory, proxyHost))
        .filter((name) => name.endsWith("-cert.pub"))
        .map((name) => ({ proxyHost, user: name.slice(0, -"-cert.pub".length) })),
    );
  }

  /** Removes a proxy's folder once only its authorities are left in it: others may keep files there. */
  #removeIfUnused(proxyHost: string): void {
    const directory = this.#proxyDirectory(proxyHost);
    const left = entries(directory);
    if (left.some((name) => name !== AUTHORITIES)) return;
    rmSync(join(directory, AUTHORITIES), { force: true });
    unlessMissing(() => rmdirSync(directory));
  }

  #proxyDirectory(proxyHost: string): string {
    return join(this.#directory, pathSegment(proxyHost));
  }

  #path(proxyHost: string, user: string, suffix: string): string {
    return join(this.#proxyDirectory(proxyHost), pathSegment(user) + suffix);
  }
}

function entries(directory: string): string[] {
  return (unlessMissing(() => readdirSync(directory)) ?? []).filter((name) => !name.startsWith("."));
}
