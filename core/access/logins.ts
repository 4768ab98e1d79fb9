import type { Traits } from "../resources/user.js";
import { expandTemplate } from "./template.js";

/** What `deny.logins` may hold to deny every login. */
const EVERY_LOGIN = "*";

/** The logins of a condition, expanded. */
export interface LoginSet {
  /** In the role's order, without repetitions. */
  readonly names: readonly string[];
  has(login: string): boolean;
}

/** Expands `allow.logins`. Results that cannot be Unix user names, `*` among them, and bad templates are dropped. */
export function allowedLogins(logins: readonly string[], traits: Traits): LoginSet {
  const names = new Set<string>();
  for (const login of logins) {
    for (const name of tryExpand(login, traits) ?? []) {
      if (isUnixUserName(name)) {
        names.add(name);
      }
    }
  }
  return { names: [...names], has: (login) => names.has(login) };
}

/** Expands `deny.logins`. `*` and a template that cannot be read deny every login. */
export function deniedLogins(logins: readonly string[], traits: Traits): LoginSet {
  const expanded = logins.map((login) => tryExpand(login, traits));
  const names = new Set(expanded.flatMap((result) => result ?? [EVERY_LOGIN]));
  return { names: [...names], has: (login) => names.has(EVERY_LOGIN) || names.has(login) };
}

/** Whether a text can name a Unix user: 1 to 32 bytes, no leading dash, no colon, slash, space or control. */
export function isUnixUserName(name: string): boolean {
  const length = Buffer.byteLength(name);
  return length >= 1 && length <= 32 && /^[^-:/*\s\p{Cc}][^:/*\s\p{Cc}]*$/u.test(name);
}

function tryExpand(login: string, traits: Traits): string[] | undefined {
  try {
    return expandTemplate(login, traits);
  } catch {
    return undefined;
  }
}
