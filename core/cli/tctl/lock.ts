import { randomUUID } from "node:crypto";
import type { Command } from "commander";
import { badParameter } from "../../errors/error.js";
import type { Lock, LockTarget } from "../../resources/lock.js";
import { withExamples } from "../program.js";
import { withAuth, type TctlContext } from "./context.js";
import { parseTtl } from "./ttl.js";

/** Flags of `tctl lock`. */
export interface LockFlags extends LockTarget {
  readonly message?: string;
  readonly ttl?: string;
  readonly expires?: string;
}

/** `tctl lock` (features.md §13, 7.1). */
export function configure(command: Command): void {
  command
    .option("--user <name>", "the user to lock out")
    .option("--role <name>", "lock out everybody with this role")
    .option("--login <name>", "allow nobody to log in as this OS user")
    .option("--node <node>", "UUID or name of a node that nobody may enter")
    .option("--message <text>", "what those who are locked out are told")
    .option("--ttl <duration>", "how long the lock is in force, such as 10h (default: until it is removed)")
    .option("--expires <time>", "when the lock ends, in RFC 3339")
    .action((flags: LockFlags, command: Command) => withAuth(command, (context) => lock(context, flags)));
  withExamples(
    command,
    'tctl lock --user=joe --message="Ask the help desk" --ttl=10h',
    "tctl lock --role=contractor --node=db1   # both have to fit: this role, on this node",
    "tctl get locks                           # the locks in force",
    "tctl rm lock/<name>                      # ends one",
  );
}

/** Locks its target out at once: sessions and connections end, and there are no new ones. */
export async function lock({ api, print, clock }: TctlContext, flags: LockFlags): Promise<void> {
  const { user, role, login, node, message } = flags;
  const target = Object.fromEntries(
    Object.entries({ user, role, login, node }).filter(([, value]) => value !== undefined),
  ) as LockTarget;
  if (Object.keys(target).length === 0 || Object.values(target).includes("")) {
    throw badParameter("say whom to lock out: --user, --role, --login or --node");
  }
  const expires = expiry(flags, clock.now());
  const name = randomUUID();
  const resource: Lock = {
    kind: "lock",
    version: "v2",
    metadata: { name },
    spec: {
      target,
      ...(message === undefined ? {} : { message }),
      ...(expires === undefined ? {} : { expires: expires.toISOString() }),
    },
  };
  await api.upsertLock(resource);
  await print(`Created a lock with name "${name}".\n`);
}

function expiry({ ttl, expires }: LockFlags, now: Date): Date | undefined {
  if (ttl !== undefined && expires !== undefined)
    throw badParameter("use either --ttl or --expires, not both");
  if (ttl !== undefined) return new Date(now.getTime() + parseTtl(ttl));
  if (expires === undefined) return undefined;
  const time = new Date(expires);
  if (!/^\d{4}-\d\d-\d\dT/.test(expires) || Number.isNaN(time.getTime())) {
    throw badParameter(`--expires takes a time such as ${now.toISOString()}, not ${JSON.stringify(expires)}`);
  }
  return time;
}
