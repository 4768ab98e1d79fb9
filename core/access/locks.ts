/** Whom the cluster's locks shut out (features.md §13, 7.1). */
import type { Lock, LockTarget } from "../resources/lock.js";

/** What locks are held against. A lock that targets what is empty or absent here does not fit. */
export interface LockSubject {
  readonly user: string;
  /** The roles that count: what {@link Access.roleNames} gives. */
  readonly roles: readonly string[];
  /** The OS login of a connection, or every login that a certificate would carry. */
  readonly logins?: readonly string[];
  /** The names of one host: its UUID and its hostname. */
  readonly nodes?: readonly string[];
  readonly session?: string;
  /**
   * When the validity of the certificate starts. Locks with `issued_before` hold only against a certificate, and only
   * against one whose validity starts before that moment.
   */
  readonly issuedAt?: Date;
}

/** Finds the first lock that {@link isInForce}; undefined where none is. */
export function findLock(locks: readonly Lock[], subject: LockSubject, now: Date): Lock | undefined {
  return locks.find((lock) => isInForce(lock, subject, now));
}

/** Whether a lock holds now and its whole target fits. */
export function isInForce({ spec }: Lock, subject: LockSubject, now: Date): boolean {
  // The target first: of the thousands of locks that a cluster may have, it leaves one or none to read the times of.
  return fits(spec.target, subject) && !isOver(spec.expires, now) && holdsSince(spec.issued_before, subject);
}

/** What those are told whom a lock shuts out. */
export function lockText({ spec: { target, message } }: Lock): string {
  const fields = Object.entries(target)
    .filter(([, value]) => isNamed(value))
    .map(([field, value]) => `${TITLES[field as keyof LockTarget] ?? field}:${JSON.stringify(value)}`);
  return `lock targeting ${fields.join(" ")} is in force${message ? `: ${message}` : ""}`;
}

const TITLES: Record<keyof LockTarget, string> = {
  user: "User",
  role: "Role",
  login: "Login",
  node: "Node",
  session: "Session",
};

const FITS: Record<keyof LockTarget, (subject: LockSubject, value: string) => boolean> = {
  user: ({ user }, value) => user === value,
  role: ({ roles }, value) => roles.includes(value),
  login: ({ logins = [] }, value) => logins.includes(value),
  node: ({ nodes = [] }, value) => nodes.includes(value),
  session: ({ session }, value) => session === value,
};

/** A lock that names nobody, or by a field that is not known here, shuts out nobody rather than everybody. */
function fits(target: LockTarget, subject: LockSubject): boolean {
  let names = 0;
  for (const field in target) {
    const value = target[field as keyof LockTarget];
    if (!isNamed(value)) continue;
    if (!Object.hasOwn(FITS, field) || !FITS[field as keyof LockTarget](subject, value)) return false;
    names++;
  }
  return names > 0;
}

const isNamed = (value: string | null | undefined): value is string =>
  value !== undefined && value !== null && value !== "";

/** A time that cannot be read ends no lock. */
function isOver(expires: string | undefined, now: Date): boolean {
  const end = moment(expires);
  return end !== undefined && end <= now.getTime();
}

function holdsSince(issuedBefore: string | undefined, { issuedAt }: LockSubject): boolean {
  const before = moment(issuedBefore);
  return before === undefined || (issuedAt !== undefined && !(issuedAt.getTime() >= before));
}

/** Milliseconds; undefined where no time is given, NaN where it cannot be read. The zero time of 4.2 stands for none. */
function moment(text: string | undefined): number | undefined {
  return text === undefined || text === "" || text.startsWith("0001-01-01T") ? undefined : Date.parse(text);
}
