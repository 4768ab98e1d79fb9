/**
 * What an auth service goes on reading while its storage is away: whatever access is decided by, and who is there.
 * Passwords, one-time codes, tokens, web sessions, attempts and places of connections are not among it: an old copy of
 * those would let in who must not be let in any more.
 */
import type { KeyRange } from "../plugin/storage.js";
import type { ReplicaScope } from "../storage/replica.js";
import { below, keys } from "./keys.js";

/** Everything below these is held. */
const WHOLE = [keys.authorities, keys.roles, keys.locks, keys.proxies, keys.authServers, "/nodes/"];
/** Below these only `<name>/params` is held. */
const NAMED = [keys.users, keys.namespaces];
const SINGLE: readonly string[] = [keys.clusterName, keys.clusterConfig, keys.authPreference];
/** Heartbeats, which nobody can renew while the storage is away. */
const PRESENCE = [keys.proxies, keys.authServers, "/nodes/"];

const PARAMS = /^[^/]+\/params$/;

/** The keys that a replica of the cluster's storage holds. */
export const replicatedKeys: ReplicaScope = {
  prefixes: [...WHOLE, ...NAMED, ...SINGLE],
  probe: keys.clusterName,
  holds: (key) =>
    SINGLE.includes(key) ||
    WHOLE.some((prefix) => key.startsWith(prefix)) ||
    NAMED.some((prefix) => key.startsWith(prefix) && PARAMS.test(key.slice(prefix.length))),
  lists: (range) =>
    WHOLE.some((prefix) => isWithin(range, below(prefix))) ||
    // The list of all; what lies below one name is not held.
    NAMED.some((prefix) => range.start === prefix && range.end === below(prefix).end),
  outlives: (key) => PRESENCE.some((prefix) => key.startsWith(prefix)),
};

/** Bounds are ASCII, so that the order of JavaScript is that of the store. */
function isWithin({ start, end }: KeyRange, outer: KeyRange): boolean {
  return start >= outer.start && end <= outer.end;
}
