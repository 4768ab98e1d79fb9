/** The store that a cluster is to move into: checked, claimed and, where nothing comes of it, given back. */
import { randomUUID } from "node:crypto";
import { badParameter, hasCode, type Storage } from "@teleport/plugin";
import { clusterItems, EVERYTHING } from "./compare.js";
import {
  encode,
  MARK_KEY,
  PROBE_KEY,
  readMark,
  readRecord,
  type ClusterIdentity,
  type StoreMark,
} from "./records.js";
import type { MigrationTools } from "./tools.js";

/** Behind {@link MARK_KEY} and before every other key after it. */
const BEHIND_MARK = `${MARK_KEY} `;

/**
 * Makes sure that a store may be filled and can be written, and marks it as being filled. What an unfinished move of the
 * same cluster has left there, or the cluster itself where it has moved away since, is removed.
 *
 * Throws `bad_parameter`, having changed nothing, where the store is the source itself or holds anything else.
 */
export async function claimTarget(
  target: Storage,
  source: { readonly storage: Storage; readonly epoch: number },
  mark: StoreMark,
  identify: MigrationTools["identify"],
): Promise<void> {
  await refuseSameStore(target, source.storage);
  await refuseOtherContent(target, { cluster: mark.cluster, epoch: source.epoch }, identify);
  await putMark(target, mark);
  await wipe(target);
}

/** Writes the mark of a store. */
export async function putMark(storage: Storage, mark: StoreMark): Promise<void> {
  await storage.put({ key: MARK_KEY, value: encode(mark) });
}

/** Removes all that a move has brought to a store, its mark last. */
export async function giveBack(target: Storage): Promise<void> {
  await wipe(target);
  await ignoreMissing(target.delete(MARK_KEY));
}

/** Removes everything but the mark: with it, a store that is only half wiped is still known as one that does not count. */
async function wipe(target: Storage): Promise<void> {
  await target.deleteRange({ start: EVERYTHING.start, end: MARK_KEY });
  await target.deleteRange({ start: BEHIND_MARK, end: EVERYTHING.end });
}

async function refuseSameStore(target: Storage, source: Storage): Promise<void> {
  const value = Buffer.from(randomUUID());
  await target.put({ key: PROBE_KEY, value });
  try {
    const seen = await source.get(PROBE_KEY).catch((error: unknown) => {
      if (hasCode(error, "not_found")) return undefined;
      throw error;
    });
    if (seen && value.equals(seen.value)) {
      throw badParameter("the target is the storage that the cluster is in already");
    }
  } finally {
    await ignoreMissing(target.delete(PROBE_KEY));
  }
}

async function refuseOtherContent(
  target: Storage,
  ours: { readonly cluster: ClusterIdentity; readonly epoch: number },
  identify: MigrationTools["identify"],
): Promise<void> {
  const mark = (await readMark(target))?.value;
  const record = (await readRecord(target))?.value;
  const cluster = await identify(target);
  const unfinished = mark && mark.phase !== "serving" && mark.cluster.id === ours.cluster.id;
  const left = record?.phase === "committed" && record.epoch <= ours.epoch && cluster?.id === ours.cluster.id;
  if (unfinished || left) return;
  if (cluster ?? mark?.cluster) {
    const { name, id } = (cluster ?? mark?.cluster) as ClusterIdentity;
    throw badParameter(`the target holds the cluster ${name} (${id}): name an empty one, or remove that`);
  }
  const items = clusterItems(target, {});
  const first = await items.next();
  await items.return(undefined);
  if (!first.done) {
    throw badParameter(`the target is not empty: it holds ${first.value.key}; name an empty one`);
  }
}

async function ignoreMissing(removal: Promise<unknown>): Promise<void> {
  try {
    await removal;
  } catch (error) {
    if (!hasCode(error, "not_found")) throw error;
  }
}
