/** The report of `tsh status` and `tsh login` (features.md §3.4). */
import { formatDuration } from "../../grammar/duration.js";
import { formatAddress } from "../../grammar/address.js";
import { longTime } from "../human-time.js";
import { terminalText } from "../terminal-text.js";
import type { TshState } from "./client.js";
import { parseCredentials, type Credentials } from "./credentials.js";
import type { Profile } from "./profile.js";

const MS_PER_MINUTE = 60_000;

/** A profile that has a key. */
export interface LoggedIn {
  readonly profile: Profile;
  readonly credentials: Credentials;
}

/** The login of a profile; undefined where its key was deleted. */
export function loginOf(state: TshState, profile: Profile): LoggedIn | undefined {
  const key = state.keys.load(profile.web.host, profile.user);
  return key === undefined ? undefined : { profile, credentials: parseCredentials(key) };
}

/** All logins, the current one marked and first; `Not logged in.` where there is none. */
export function statusReport(state: TshState, now: Date): string {
  const current = state.profiles.current();
  const isCurrent = (profile: Profile): boolean => profile.web.host === current?.web.host;
  const logins = state.profiles.list().flatMap((profile) => loginOf(state, profile) ?? []);
  const blocks = [
    ...logins.filter(({ profile }) => isCurrent(profile)).map((login) => block(login, "> ", now)),
    ...logins.filter(({ profile }) => !isCurrent(profile)).map((login) => block(login, "  ", now)),
  ];
  return blocks.length === 0 ? "Not logged in.\n" : `${blocks.join("\n")}\n`;
}

/** All logins for programs: the current one as `active`, the others as `profiles`. */
export function statusData(state: TshState): { active: unknown; profiles: unknown[] } {
  const current = state.profiles.current();
  const logins = state.profiles.list().flatMap((profile) => loginOf(state, profile) ?? []);
  const isCurrent = ({ profile }: LoggedIn): boolean => profile.web.host === current?.web.host;
  const describe = ({ profile, credentials }: LoggedIn): unknown => ({
    profile_url: `https://${formatAddress(profile.web)}`,
    username: credentials.user,
    cluster: profile.cluster || credentials.rootCluster,
    roles: rolesOf(credentials.certificate.extensions.get("teleport-roles")),
    logins: credentials.certificate.principals,
    valid_until: credentials.certificate.validBefore?.toISOString() ?? null,
    extensions: visibleExtensions(credentials.certificate.extensions),
  });
  const active = logins.find(isCurrent);
  return {
    active: active === undefined ? null : describe(active),
    profiles: logins.filter((login) => !isCurrent(login)).map(describe),
  };
}

function block({ profile, credentials }: LoggedIn, mark: string, now: Date): string {
  const { certificate, user, rootCluster } = credentials;
  const rows: [string, string][] = [
    ["Profile URL:", `https://${formatAddress(profile.web)}`],
    ["Logged in as:", user],
    ["Cluster:", profile.cluster || rootCluster],
    ["Roles:", rolesOf(certificate.extensions.get("teleport-roles")).join(", ")],
    ["Logins:", certificate.principals.join(", ")],
    ["Valid until:", validity(certificate.validBefore, now)],
    ["Extensions:", visibleExtensions(certificate.extensions).join(", ")],
  ];
  return rows
    .map(([name, value], i) => `${i === 0 ? mark : "  "}${name.padEnd(13)} ${terminalText(value)}\n`)
    .join("");
}

function validity(until: Date | null, now: Date): string {
  if (until === null) return "forever";
  const leftMs = until.getTime() - now.getTime();
  const left = Math.round(leftMs / MS_PER_MINUTE) * MS_PER_MINUTE;
  return `${longTime(until)} ${leftMs <= 0 ? "[EXPIRED]" : `[valid for ${formatDuration(left)}]`}`;
}

/** Roles are JSON in an extension: `{"version":"v1","roles":["admin"]}`. */
function rolesOf(extension: string | undefined): string[] {
  try {
    const { roles } = JSON.parse(extension ?? "{}") as { roles?: unknown };
    return Array.isArray(roles) ? roles.map(String) : [];
  } catch {
    return [];
  }
}

function visibleExtensions(extensions: ReadonlyMap<string, string>): string[] {
  return [...extensions.keys()].filter((name) => !name.startsWith("teleport-")).sort();
}
