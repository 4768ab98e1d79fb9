/** The store that a cluster is to move into: checked, claimed and, where nothing comes of it, given back. */
import { randomUUID } from "node:crypto";
import { badParameter, compareFailed, hasCode, type Revision, type Storage } from "@teleport/plugin";
import { clusterItems, EVERYTHING } from "./compare.js";
import {
  encode,
  MARK_KEY,
  PROBE_KEY,
  readMark,
  readRecord,
  type ClusterIdentity,
  type Stored,
  type StoreMark,
} from "./records.js";
import type { MigrationTools } from "./tools.js";

/** Behind {@link MARK_KEY} and before every other key after it. */
const BEHIND_MARK = `${MARK_KEY} `;

/** A store that a cluster may move into. Whoever marks it after us takes it from us: every step meets our mark, or fails. */
export class MigrationTarget {
  private constructor(
    private readonly storage: Storage,
    private revision: Revision | undefined,
  ) {}

  /**
   * Makes sure that a store may be filled and can be written. It may hold what an unfinished move of the same cluster has
   * left, or the cluster itself where it has moved away since. Throws `bad_parameter` where it is the source itself or
   * holds anything else. Changes nothing.
   */
  static async check(
    target: Storage,
    source: { readonly storage: Storage; readonly epoch: number },
    cluster: ClusterIdentity,
    identify: MigrationTools["identify"],
  ): Promise<MigrationTarget> {
    await refuseSameStore(target, source.storage);
    const mark = await readMark(target);
    await refuseOtherContent(target, mark?.value, { cluster, epoch: source.epoch }, identify);
    return new MigrationTarget(target, mark?.revision);
  }

  /** Writes our mark, where nobody has done so since the last step. Throws `compare_failed` otherwise. */
  async mark(mark: StoreMark): Promise<void> {
    const item = { key: MARK_KEY, value: encode(mark) };
    try {
      this.revision =
        this.revision === undefined
          ? await this.storage.create(item)
          : await this.storage.compareAndSwap(item, this.revision);
    } catch (error) {
      if (!hasCode(error, "compare_failed") && !hasCode(error, "already_exists")) throw error;
      throw compareFailed("the target has been taken by another migration", { cause: error });
    }
  }

  /** Removes all that is there but the mark. With that, a store that is half wiped is still known as one that does not count. */
  wipe(): Promise<void> {
    return wipe(this.storage);
  }
}

/** Says in the mark of a store that the cluster is there for good. Throws `compare_failed` where it has been changed. */
export async function markServing(storage: Storage, { value, revision }: Stored<StoreMark>): Promise<void> {
  const { source: _, ...mark } = value;
  const serving: StoreMark = { ...mark, phase: "serving" };
  await storage.compareAndSwap({ key: MARK_KEY, value: encode(serving) }, revision);
}

/** Removes all that an unfinished move has brought to a store, its mark last; nothing where another has marked it since. */
export async function giveBack(target: Storage, migration: string): Promise<void> {
  const mark = await readMark(target);
  if (mark?.value.id !== migration || mark.value.phase === "serving") return;
  await wipe(target);
  await ignoreMissing(target.delete(MARK_KEY, mark.revision));
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
  mark: StoreMark | undefined,
  ours: { readonly cluster: ClusterIdentity; readonly epoch: number },
  identify: MigrationTools["identify"],
): Promise<void> {
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
