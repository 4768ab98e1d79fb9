/**
 * The auth services that use a store. Each keeps a lease in it, so that a migration knows whom to wait for, and says how
 * far it follows the migration that is under way.
 */
import { prefixRange, type Clock, type Storage } from "@teleport/plugin";
import { encode, MEMBER_KEYS, parse, type HostName, type MigrationPhase } from "./records.js";

/** How long a member counts as alive after it was heard of. */
export const LEASE_MS = 30_000;
/** How often a member renews. */
export const RENEW_MS = 10_000;
/** How far the clocks of two hosts may be apart. */
export const SKEW_MS = 5_000;
/** How long a member that is gone is remembered: longer than the heartbeat of its auth service is listed. */
const REMEMBERED_MS = 15 * 60_000;

/** How far a member follows a migration. */
export interface Acknowledgement {
  readonly id: string;
  readonly phase: MigrationPhase;
  /** Why it cannot follow. */
  readonly problem?: string;
}

/** An auth service that uses, or used, the store. */
export interface Member {
  readonly version: 1;
  readonly host: HostName;
  /** Unix milliseconds. */
  readonly untilMs: number;
  readonly ack?: Acknowledgement;
}

/** Writes that this host is there, until the lease ends; at once where it is 0 ms long. */
export async function announceMember(
  storage: Storage,
  host: HostName,
  clock: Clock,
  { ack, leaseMs = LEASE_MS }: { readonly ack?: Acknowledgement; readonly leaseMs?: number } = {},
): Promise<void> {
  const nowMs = clock.now().getTime();
  // One that has left has no moment of doubt about clocks, either.
  const untilMs = leaseMs > 0 ? nowMs + leaseMs : 0;
  const member: Member = { version: 1, host, untilMs, ...(ack && { ack }) };
  await storage.put({
    key: `${MEMBER_KEYS}${host.id}`,
    value: encode(member),
    expires: new Date(nowMs + REMEMBERED_MS),
  });
}

/** Every member that the store remembers. */
export async function listMembers(storage: Storage): Promise<Member[]> {
  const members: Member[] = [];
  for await (const item of storage.range(prefixRange(MEMBER_KEYS))) {
    members.push(parse<Member>(item.key, item.value));
  }
  return members;
}

/** Whether a member may still acknowledge writes to the store. */
export function isAlive(member: Member, clock: Clock): boolean {
  return member.untilMs + SKEW_MS > clock.now().getTime();
}
