/**
 * `teleport start --bootstrap FILE`: the first start of a cluster from the output of `tctl get all`, so that a new store
 * has the users and the authorities of an old one. All or nothing, and before anything is served.
 */
import { readFile } from "node:fs/promises";
import { LineCounter, parseAllDocuments } from "yaml";
import { badParameter, errorMessage } from "../errors/error.js";
import { systemClock } from "../plugin/clock.js";
import type { Logger } from "../plugin/logger.js";
import type { Item, Storage } from "../plugin/storage.js";
import { keys } from "../resources/keys.js";
import type { Role } from "../resources/role.js";
import type { User } from "../resources/user.js";
import { createMemoryStorage } from "../storage/memory-storage.js";
import { createAccounts } from "./accounts.js";
import { adminRole } from "./admin-role.js";
import type { AuditTrail } from "./audit-trail.js";
import { checkedAuthority } from "./authority-check.js";
import { createLocks } from "./locks.js";
import { PRESET_ROLES } from "./preset-roles.js";
import { createStores } from "./stores.js";

/** A resource with its place in the file, `file:line:column`. */
interface PlacedResource {
  readonly place: string;
  readonly kind: string;
  readonly name: string;
  readonly value: unknown;
}

/** Users need their roles; authorities need nobody. */
const ORDER: readonly string[] = ["role", "user", "cert_authority"];

/**
 * Loads the resources of a file into the store of a cluster that has no host authority yet; for any other it logs a
 * WARN and leaves the store alone. The caller holds the cluster's lock. Throws `bad_parameter` with the place of the
 * first resource that cannot be taken; then nothing was written.
 */
export async function loadBootstrap(
  storage: Storage,
  file: string,
  { clusterName, log }: { readonly clusterName: string; readonly log: Logger },
): Promise<void> {
  const stores = createStores(storage);
  const stored = (await stores.settings.findClusterName())?.spec.cluster_name;
  if (stored !== undefined || (await stores.authorities.find("host", clusterName)) !== undefined) {
    log.warn("--bootstrap is ignored: this is not the first start of the cluster", { file });
    return;
  }
  const resources = parseResources(await read(file), file);
  if (resources.length === 0) throw badParameter(`no resources found: ${JSON.stringify(file)}`);
  for (const item of await rehearse(resources, clusterName)) await storage.put(item);
  log.info("first start: loaded the resources of --bootstrap", { file, resources: resources.length });
}

async function read(file: string): Promise<string> {
  try {
    return await readFile(file, "utf8");
  } catch (cause) {
    throw badParameter(`cannot read the file of --bootstrap: ${errorMessage(cause)}`, { cause });
  }
}

/** Error texts never quote the file: it holds private keys. */
function parseResources(text: string, file: string): PlacedResource[] {
  const lines = new LineCounter();
  const at = (offset: number): string => {
    const { line, col } = lines.linePos(offset);
    return `${file}:${line}:${col}`;
  };
  const documents = parseAllDocuments(text, { lineCounter: lines, prettyErrors: false });
  return [...documents].flatMap((document) => {
    const [error] = document.errors;
    if (error) throw badParameter(`${at(error.pos[0])}: this is not YAML: ${error.code}`);
    const value: unknown = document.toJS();
    return value === null || value === undefined
      ? []
      : [placed(value, at(document.contents?.range?.[0] ?? document.range[0]))];
  });
}

function placed(value: unknown, place: string): PlacedResource {
  const { kind, metadata } = value as { kind?: unknown; metadata?: { name?: unknown } | null };
  if (typeof kind !== "string") throw badParameter(`${place}: a resource must have a kind`);
  if (!ORDER.includes(kind)) {
    throw badParameter(
      `${place}: a resource of kind ${JSON.stringify(kind)} cannot be bootstrapped, remove it`,
    );
  }
  return { place, kind, name: String(metadata?.name), value };
}

/**
 * Writes the resources to a store in memory, with all the checks of the API, and returns what it holds then: what cannot
 * be taken fails before the real store is touched. The cluster's host authority comes last, since its presence says
 * that the bootstrap is complete; a start that is cut off before is begun again.
 */
async function rehearse(resources: readonly PlacedResource[], clusterName: string): Promise<Item[]> {
  const rehearsal = createMemoryStorage();
  const stores = createStores(rehearsal);
  const accounts = createAccounts({
    stores,
    locks: createLocks({ locks: stores.locks, audit: NO_AUDIT, clock: systemClock }),
    audit: NO_AUDIT,
    clock: systemClock,
  });
  for (const role of [adminRole, ...PRESET_ROLES]) await stores.roles.create(role);
  const taken = new Set<string>();
  for (const { place, kind, name, value } of inOrder(resources)) {
    const key = `${kind}/${name}`;
    // Authorities of both types have one name; the store tells those apart.
    if (kind !== "cert_authority" && taken.has(key)) throw badParameter(`${place}: ${key} is there twice`);
    taken.add(key);
    try {
      if (kind === "role") await accounts.putRole(value as Role);
      else if (kind === "user") await accounts.putUser(value as User);
      else await stores.authorities.create(checkedAuthority(value, clusterName));
    } catch (error) {
      throw badParameter(`${place}: ${errorMessage(error)}`, { cause: error });
    }
  }
  const last = keys.authority("host", clusterName);
  const items: Item[] = [];
  for await (const item of rehearsal.range({ start: "/", end: "0" })) items.push(item);
  return [...items.filter(({ key }) => key !== last), ...items.filter(({ key }) => key === last)];
}

function inOrder(resources: readonly PlacedResource[]): PlacedResource[] {
  return [...resources].sort((a, b) => ORDER.indexOf(a.kind) - ORDER.indexOf(b.kind));
}

/** The rehearsal is no event of the cluster's. */
const NO_AUDIT: AuditTrail = { emit: () => Promise.resolve(), search: () => Promise.resolve({ events: [] }) };
