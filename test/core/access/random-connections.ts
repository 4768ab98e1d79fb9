/** Connections to random clusters, from a seed: what explanations and enforcement are compared on. */
import type { ConnectionRequest } from "../../../core/access/connection-access.js";
import type { LockingMode } from "../../../core/access/role-options.js";
import type { Lock, LockTarget } from "../../../core/resources/lock.js";
import type { Role, RoleConditions } from "../../../core/resources/role.js";
import type { Traits, User } from "../../../core/resources/user.js";
import { certificate, node, NOW, source, user } from "./sample-connections.js";
import { role } from "./sample-roles.js";

/** A cluster, a client and what it asks for. */
export interface RandomCase {
  roles: Role[];
  /** What the certificate says; undefined in the `oldssh` format. */
  claimedRoles: string[] | undefined;
  claimedTraits: Traits;
  owner: User | undefined;
  locks: Lock[];
  labels: Record<string, string>;
  login: string;
  onlyLogin: string | undefined;
  now: Date;
  staleSince: Date | undefined;
  lockingMode: LockingMode | undefined;
}

const LOGINS = ["root", "dev", "alice", "not a login"];
const ROLES = ["r1", "r2", "r3"];
const LOGIN_TEXTS = [
  "root",
  "dev",
  "{{internal.logins}}",
  "{{email.local(external.email)}}",
  "{{internal.x}}",
];
const LABEL_TEXTS = ["*", "a", "b", "a*", "^[ab]+$", "{{external.team}}", "^(unclosed$", "{{external."];
const HOUR_MS = 3_600_000;

/** A generator of numbers in [0, 1) (mulberry32). */
export function randomNumbers(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Makes one case. */
export function randomCase(random: () => number): RandomCase {
  const chance = (probability: number): boolean => random() < probability;
  const pick = <T>(values: readonly T[]): T => values[Math.floor(random() * values.length)] as T;
  const some = <T>(values: readonly T[], probability = 0.5): T[] => values.filter(() => chance(probability));
  const time = (spreadHours: number): Date =>
    new Date(NOW.getTime() + Math.round((random() * 2 - 1) * spreadHours * HOUR_MS));

  const labels = (): RoleConditions["node_labels"] =>
    pick([
      () => undefined,
      () => ({ "*": "*" }),
      () => ({}),
      () => ({ env: pick(LABEL_TEXTS) }),
      () => ({ env: some(LABEL_TEXTS, 0.3), [pick(["tier", "{{external.team}}"])]: pick(LABEL_TEXTS) }),
    ])();
  const conditions = (): RoleConditions => {
    const nodeLabels = labels();
    return {
      logins: some(LOGIN_TEXTS, 0.4),
      ...(nodeLabels === undefined ? {} : { node_labels: nodeLabels }),
      ...(chance(0.03) ? { namespaces: ["other"] } : {}),
    };
  };
  const denial = (): RoleConditions =>
    pick<() => RoleConditions>([
      () => ({ logins: [pick(["*", ...LOGIN_TEXTS])] }),
      () => ({ node_labels: { env: pick(LABEL_TEXTS) } }),
      conditions,
    ])();
  const lockTarget = (): LockTarget => ({
    ...(chance(0.3) ? { user: pick(["alice", "bob", ""]) } : {}),
    ...(chance(0.3) ? { role: pick(ROLES) } : {}),
    ...(chance(0.3) ? { login: pick(LOGINS) } : {}),
    ...(chance(0.3) ? { node: pick(["db1", "db2", node().id]) } : {}),
    ...(chance(0.05) ? { session: "s1" } : {}),
  });
  const lock = (_: unknown, index: number): Lock => ({
    kind: "lock",
    version: "v2",
    metadata: { name: `lock${index}` },
    spec: {
      target: lockTarget(),
      ...(chance(0.3) ? { message: "because" } : {}),
      ...(chance(0.3) ? { expires: time(2).toISOString() } : {}),
      ...(chance(0.2) ? { issued_before: time(3).toISOString() } : {}),
    },
  });
  const traits = (): Traits => ({
    logins: pick([null, some(LOGINS)]),
    team: some(["a", "b"]),
    email: some(["dev@example.com", "no address"]),
  });

  const heldRoles = some(ROLES, 0.8);
  const heldTraits = traits();
  return {
    roles: ROLES.filter(() => chance(0.98)).map((name) =>
      role(name, {
        allow: conditions(),
        deny: chance(0.15) ? denial() : {},
        options: chance(0.3) ? { lock: pick(["strict", "best_effort"]) } : {},
      }),
    ),
    claimedRoles: chance(0.1) ? undefined : chance(0.7) ? heldRoles : some(ROLES, 0.8),
    claimedTraits: chance(0.7) ? heldTraits : traits(),
    owner: chance(0.85) ? user("alice", heldRoles, heldTraits) : undefined,
    locks: Array.from({ length: Math.floor(random() * 3) }, lock),
    labels: {
      ...(chance(0.8) ? { env: pick(["a", "b", "ab", "x".repeat(600)]) } : {}),
      ...(chance(0.4) ? { tier: pick(["a", "b"]) } : {}),
      ...(chance(0.2) ? { a: "a" } : {}),
    },
    login: pick(LOGINS),
    onlyLogin: chance(0.1) ? pick(LOGINS) : undefined,
    now: time(2),
    staleSince: chance(0.2) ? time(2) : undefined,
    lockingMode: pick([undefined, "strict", "best_effort"]),
  };
}

/** The case as a request to enforcement. */
export function requestOf(random: RandomCase): ConnectionRequest {
  const { claimedRoles, claimedTraits, owner, roles, locks, staleSince, lockingMode } = random;
  return {
    certificate: certificate("alice", claimedRoles, claimedTraits),
    login: random.login,
    server: node(random.labels),
    source: source({
      ...{ roles, locks, users: owner === undefined ? [] : [owner] },
      ...(staleSince === undefined ? {} : { staleSince }),
      ...(lockingMode === undefined ? {} : { lockingMode }),
    }),
    now: random.now,
    onlyLogin: random.onlyLogin,
  };
}
