/**
 * Profiles: which proxies somebody has logged in to (features.md §3.8). `<proxy host>.yaml` holds one, the link
 * `profile` names the current one, and a proxy that was reached under another name has a link under that name too.
 */
import { lstatSync, readdirSync, readFileSync, readlinkSync, renameSync, rmSync, symlinkSync } from "node:fs";
import { randomBytes } from "node:crypto";
import { basename, join } from "node:path";
import { parse, stringify } from "yaml";
import { corrupt } from "../../errors/error.js";
import { formatAddress, parseAddress, type Address } from "../../grammar/address.js";
import { unlessMissing, writeFileAtomically } from "./atomic-file.js";
import { SSH_PORT, WEB_PORT } from "./proxy-address.js";
import { makePrivateDirectory, pathSegment } from "./tsh-directory.js";

/** A proxy, and who is logged in there. Keys are kept under the host of `web`. */
export interface Profile {
  readonly web: Address;
  readonly ssh: Address;
  readonly user: string;
  /** The cluster that commands go to; empty for the proxy's own. */
  readonly cluster: string;
}

const CURRENT = "profile";
const SUFFIX = ".yaml";
const MODE = 0o660;

/** The profiles of one folder. */
export class ProfileStore {
  constructor(readonly directory: string) {}

  /** The profile that commands use without `--proxy`. */
  current(): Profile | undefined {
    const target = unlessMissing(() => readlinkSync(join(this.directory, CURRENT)));
    return target?.endsWith(SUFFIX) ? this.read(basename(target, SUFFIX)) : undefined;
  }

  /** The profile of a proxy, by its own name or one it was reached under. Throws `corrupt`. */
  read(host: string): Profile | undefined {
    const path = this.#path(host);
    const text = unlessMissing(() => readFileSync(path, "utf8"));
    return text === undefined ? undefined : parseProfile(text, path);
  }

  /** All profiles, by host name. */
  list(): Profile[] {
    const names = unlessMissing(() => readdirSync(this.directory)) ?? [];
    return names
      .filter((name) => name.endsWith(SUFFIX) && lstatSync(join(this.directory, name)).isFile())
      .sort()
      .flatMap((name) => this.read(basename(name, SUFFIX)) ?? []);
  }

  /** Stores a profile and makes it the current one. `loginHost` is the name that the user gave the proxy. */
  save(profile: Profile, loginHost = profile.web.host): void {
    makePrivateDirectory(this.directory);
    const path = this.#path(profile.web.host);
    writeFileAtomically(path, formatProfile(profile), MODE);
    if (loginHost !== profile.web.host) link(basename(path), this.#path(loginHost));
    link(basename(path), join(this.directory, CURRENT));
  }

  /** No profile is the current one any more; the profiles stay, so that `--proxy` finds the ports again. */
  clearCurrent(): void {
    const path = join(this.directory, CURRENT);
    if (unlessMissing(() => lstatSync(path))?.isSymbolicLink()) rmSync(path);
  }

  #path(host: string): string {
    return join(this.directory, pathSegment(host) + SUFFIX);
  }
}

function link(target: string, path: string): void {
  const temporary = `${path}.${randomBytes(6).toString("hex")}.tmp`;
  symlinkSync(target, temporary);
  renameSync(temporary, path);
}

function formatProfile(profile: Profile): string {
  return stringify({
    web_proxy_addr: formatAddress(profile.web),
    ssh_proxy_addr: formatAddress(profile.ssh),
    user: profile.user,
    ...(profile.cluster === "" ? {} : { cluster: profile.cluster }),
  });
}

function parseProfile(text: string, path: string): Profile {
  try {
    const fields: unknown = parse(text);
    const field = (name: string): string => {
      const value = (fields as Record<string, unknown>)[name] ?? "";
      if (typeof value !== "string") throw new TypeError(`${name} is not a text`);
      return value;
    };
    const web = parseAddress(field("web_proxy_addr"), WEB_PORT);
    const ssh = field("ssh_proxy_addr");
    return {
      web,
      ssh: ssh === "" ? { host: web.host, port: SSH_PORT } : parseAddress(ssh, SSH_PORT),
      user: field("user"),
      cluster: field("cluster"),
    };
  } catch (cause) {
    throw corrupt(`the profile ${path} cannot be read: log in again with tsh login --proxy=<address>`, {
      cause,
    });
  }
}
