/** Where a cluster is at the start of a host, whatever the host's own configuration says. */
import { errorMessage, hasCode, unavailable } from "@teleport/plugin";
import type { ServingStore } from "../switchable-storage.js";
import { readMark, readRecord, type MigrationRecord, type StoreSettings } from "./records.js";
import { settingsText } from "./settings-text.js";
import { markServing } from "./target.js";
import type { MigrationTools, OpenStore } from "./tools.js";

/** More moves than a cluster makes while a host is away; a circle shows as more. */
const MAX_HOPS = 32;

/** What {@link findCluster} starts from. */
export interface ClusterSearch {
  /** What teleport.yaml says. */
  readonly configured: StoreSettings;
  /** The store that this host served the cluster from when it last ran. */
  readonly remembered?: StoreSettings | undefined;
  /** Whether an empty store is to become a new cluster, even where {@link remembered} holds one. */
  readonly startAnew: boolean;
}

/** A move that a crash has cut off behind its commit. */
export interface CompletedMove {
  readonly record: MigrationRecord;
  /** The type of the backend that was left. */
  readonly from: string;
}

/** The store to serve from. */
export interface FoundCluster {
  readonly store: ServingStore;
  /** Whether the cluster should move to the configured store: it was on its way there, or was told to go while away. */
  readonly moveOn: boolean;
  /** A move into that store that was decided, but of whose end nobody has told. */
  readonly completed?: CompletedMove | undefined;
}

/**
 * Finds the store that the cluster is in. Records of finished moves are followed, and the log names the edit to make; what
 * an unfinished move has left is not taken for the cluster.
 *
 * Throws `unavailable` where the way cannot be followed: nobody ever serves from a store that the cluster has left.
 */
export async function findCluster(
  { configured, remembered, startAnew }: ClusterSearch,
  tools: Pick<MigrationTools, "open" | "identify" | "log">,
): Promise<FoundCluster> {
  const found = await follow(await tools.open(configured), tools);
  const { store } = found;
  const elsewhere = remembered && !sameSettings(remembered, configured);
  if (!startAnew && elsewhere && sameSettings(store.settings, configured) && store.epoch === 0) {
    const holdsCluster = await tools.identify(store.storage);
    if (!holdsCluster) return await rememberedStore(store, remembered, tools);
  }
  return found;
}

/** Whether two settings say the same. */
export function sameSettings(a: StoreSettings, b: StoreSettings): boolean {
  return a.type === b.type && canonical(a.settings) === canonical(b.settings);
}

async function follow(first: OpenStore, tools: Pick<MigrationTools, "open" | "log">): Promise<FoundCluster> {
  let store = first;
  let unfinished = false;
  try {
    for (let hop = 0; hop < MAX_HOPS; hop++) {
      const marked = await readMark(store.storage);
      const mark = marked?.value;
      const record = (await readRecord(store.storage))?.value;
      const epoch = mark?.epoch ?? 0;
      if (record?.phase === "committed" && record.epoch > epoch) {
        const next = await openNext(store.settings, record.target, tools);
        await store.close();
        store = next;
        const arrived = (await readMark(store.storage))?.value;
        if ((arrived?.epoch ?? 0) < record.epoch) {
          throw unavailable(
            `the cluster has moved to another storage, but this host's way there leads to a store without it: ${settingsText(record.target)}`,
          );
        }
        continue;
      }
      if (!mark || mark.phase === "serving" || !mark.source) {
        return { store: { ...store, epoch }, moveOn: unfinished };
      }
      const source = await openSource(store.settings, mark.source, tools);
      const decision = (await readRecord(source.storage))?.value;
      if (decision?.id === mark.id && decision.phase === "committed") {
        await source.close();
        await markServing(store.storage, marked).catch((error: unknown) => {
          // Another host was faster; what the mark says now counts.
          if (!hasCode(error, "compare_failed")) throw error;
        });
        if ((await readMark(store.storage))?.value.epoch !== epoch) continue;
        return {
          store: { ...store, epoch },
          moveOn: unfinished,
          completed: { record: decision, from: mark.source.type },
        };
      }
      tools.log.warn(
        `the move of the cluster into the ${store.settings.type} storage was interrupted: serving from the ${source.settings.type} storage, where the cluster still is`,
      );
      await store.close();
      store = source;
      unfinished = true;
    }
    throw unavailable("the records of the cluster's moves lead in a circle");
  } catch (error) {
    await store.close();
    throw error;
  }
}

async function openNext(
  from: StoreSettings,
  to: StoreSettings,
  { open, log }: Pick<MigrationTools, "open" | "log">,
): Promise<OpenStore> {
  const edit = `set teleport.storage to ${settingsText(to)}`;
  try {
    const store = await open(to);
    log.warn(`the cluster has moved from the ${from.type} storage that teleport.yaml names: ${edit}`);
    return store;
  } catch (error) {
    throw unavailable(
      `the cluster has moved away from the ${from.type} storage that teleport.yaml names, and cannot be reached where it is (${errorMessage(error)}): ${edit}`,
      { cause: error },
    );
  }
}

async function openSource(
  from: StoreSettings,
  to: StoreSettings,
  { open }: Pick<MigrationTools, "open">,
): Promise<OpenStore> {
  try {
    return await open(to);
  } catch (error) {
    throw unavailable(
      `the move of the cluster into the ${from.type} storage may be unfinished, and the storage that it came from, ${settingsText(to)}, cannot be reached to find out: ${errorMessage(error)}`,
      { cause: error },
    );
  }
}

/** An empty store is configured, but this host knows a cluster: a new one beside it would be a disaster. */
async function rememberedStore(
  empty: ServingStore,
  remembered: StoreSettings,
  tools: Pick<MigrationTools, "open" | "identify" | "log">,
): Promise<FoundCluster> {
  let known: OpenStore;
  try {
    known = await tools.open(remembered);
  } catch (error) {
    await empty.close();
    throw unavailable(
      `the ${empty.settings.type} storage that teleport.yaml names is empty, and the one that this host served the cluster from, ${settingsText(remembered)}, cannot be opened (${errorMessage(error)}): name it again, or start a new cluster with another data_dir`,
      { cause: error },
    );
  }
  const found = await follow(known, tools);
  if (!(await tools.identify(found.store.storage))) {
    await found.store.close();
    return { store: empty, moveOn: false };
  }
  await empty.close();
  tools.log.warn(
    `the ${empty.settings.type} storage that teleport.yaml names is empty: serving from the ${found.store.settings.type} storage, where the cluster is, and moving it`,
  );
  return { store: found.store, moveOn: true };
}

function canonical(value: unknown): string {
  return JSON.stringify(value, (_, inner: unknown) =>
    typeof inner === "object" && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  );
}
