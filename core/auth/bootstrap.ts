/**
 * `teleport start --bootstrap FILE`: the first start of a cluster from the output of `tctl get all`, so that a new store,
 * in whatever backend, has what an old one had. All or nothing, and before anything is served.
 */
import { setImmediate } from "node:timers/promises";
import { ConfigError, problemIn } from "../document/problem.js";
import { errorMessage } from "../errors/error.js";
import type { Clock } from "../plugin/clock.js";
import type { Logger } from "../plugin/logger.js";
import type { Item, Storage } from "../plugin/storage.js";
import { keys } from "../resources/keys.js";
import { createMemoryStorage } from "../storage/memory-storage.js";
import { createAccounts } from "./accounts.js";
import { adminRole } from "./admin-role.js";
import type { AuditTrail } from "./audit-trail.js";
import { isOpenToOthers, readBootstrapFile, type PlacedResource } from "./bootstrap-file.js";
import { BOOTSTRAP_KINDS } from "./bootstrap-kinds.js";
import { createLocks } from "./locks.js";
import { PRESET_ROLES } from "./preset-roles.js";
import { createStores } from "./stores.js";

/** What a bootstrap is for. */
export interface BootstrapOptions {
  readonly clusterName: string;
  readonly log: Logger;
  readonly clock: Clock;
}

/** How many resources are looked at between two looks at what else there is to do. */
const BATCH = 50;

/** How many items are written at once: a backend over the network takes many in the time of one. */
const WRITES_AT_ONCE = 32;

/**
 * Loads the resources of a file into the store of a cluster that has no host authority yet; for any other it logs a
 * WARN and leaves the store alone. The caller holds the cluster's lock. Throws `config` with the places of resources
 * that cannot be taken, and `bad_parameter` for a file that cannot be read or is empty; then nothing was written.
 */
export async function loadBootstrap(
  storage: Storage,
  file: string,
  { clusterName, log, clock }: BootstrapOptions,
): Promise<void> {
  const stores = createStores(storage);
  const stored = (await stores.settings.findClusterName())?.spec.cluster_name;
  if (stored !== undefined || (await stores.authorities.find("host", clusterName)) !== undefined) {
    log.warn("--bootstrap is ignored: this is not the first start of the cluster", { file });
    return;
  }
  if (await isOpenToOthers(file)) {
    log.warn("the file of --bootstrap holds private keys and others may read it: close it by chmod 600", {
      file,
    });
  }
  const resources = await readBootstrapFile(file);
  await write(storage, await rehearse(resources, file, { clusterName, clock }), clusterName);
  log.info("first start: loaded the resources of --bootstrap", { file, resources: resources.length });
}

/**
 * Writes the resources to a store in memory, with all the checks of the API, and returns what it holds then: what cannot
 * be taken fails before the real store is touched.
 */
async function rehearse(
  resources: readonly PlacedResource[],
  file: string,
  { clusterName, clock }: Pick<BootstrapOptions, "clusterName" | "clock">,
): Promise<Item[]> {
  const rehearsal = createMemoryStorage(clock);
  const stores = createStores(rehearsal);
  const locks = createLocks({ locks: stores.locks, audit: NO_AUDIT, clock });
  const accounts = createAccounts({ stores, locks, audit: NO_AUDIT, clock });
  for (const role of [adminRole, ...PRESET_ROLES]) await stores.roles.create(role);
  const taken = new Set<string>();
  let count = 0;
  for (const { position, kind, name, value } of inOrder(resources)) {
    const refused = (message: string, cause?: unknown): Error =>
      Object.assign(new ConfigError([problemIn(file, { position, message })]), { cause });
    const key = `${kind.kind}/${name}`;
    // Authorities of both types have one name; the store tells those apart.
    if (kind.kind !== "cert_authority" && taken.has(key)) throw refused(`${kind.kind} is there twice`);
    taken.add(key);
    // What lies in memory never waits, but the lease of the start-up lock must be held meanwhile.
    if (++count % BATCH === 0) await setImmediate();
    try {
      await kind.take(value, { clusterName, stores, accounts, locks, clock });
    } catch (error) {
      throw refused(errorMessage(error), error);
    }
  }
  const items: Item[] = [];
  for await (const item of rehearsal.range({ start: "/", end: "0" })) items.push(item);
  return items;
}

/**
 * The cluster's host authority comes last, since its presence says that the bootstrap is complete; a start that is cut
 * off before is begun again.
 */
async function write(storage: Storage, items: readonly Item[], clusterName: string): Promise<void> {
  const last = keys.authority("host", clusterName);
  const others = items.filter(({ key }) => key !== last);
  for (let i = 0; i < others.length; i += WRITES_AT_ONCE) {
    await Promise.all(others.slice(i, i + WRITES_AT_ONCE).map((item) => storage.put(item)));
  }
  for (const item of items) if (item.key === last) await storage.put(item);
}

function inOrder(resources: readonly PlacedResource[]): PlacedResource[] {
  const order = [...BOOTSTRAP_KINDS.values()];
  return [...resources].sort((a, b) => order.indexOf(a.kind) - order.indexOf(b.kind));
}

/** The rehearsal is no event of the cluster's. */
const NO_AUDIT: AuditTrail = { emit: () => Promise.resolve(), search: () => Promise.resolve({ events: [] }) };
