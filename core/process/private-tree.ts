/** Keeps a tree of the daemon's files to their owner. */
import { chmodSync, lstatSync, type Dirent, type Stats } from "node:fs";
import { readdir, realpath, stat } from "node:fs/promises";
import path from "node:path";
import { setImmediate } from "node:timers/promises";
import { badParameter } from "../errors/error.js";
import type { Logger } from "../plugin/logger.js";

const ROOT = 0;
const GROUP_AND_OTHERS = 0o077;
const WRITABLE_BY_OTHERS = 0o022;
/** Entries that are looked at in one go. Synchronous calls are several times as fast, and recordings can be many. */
const SLICE = 256;

/** What {@link tightenTree} needs to know. */
export interface PrivateTree {
  /** The user that everything in the own folders must belong to. */
  readonly owner: number;
  /** Names of the folders in the root that are the daemon's alone; all others are not entered. */
  readonly ownFolders: ReadonlySet<string>;
  readonly log: Logger;
}

/**
 * Takes every permission of group and others from what lies in a folder, and in its own folders at any depth.
 *
 * Links to folders are followed in the own folders. Throws `bad_parameter` with the command that mends it: for a file
 * of another user in an own folder, and for a link to a folder that others can change.
 */
export async function tightenTree(root: string, tree: PrivateTree): Promise<void> {
  await new PrivateWalk(root, tree).run();
}

class PrivateWalk {
  readonly #root: string;
  readonly #tree: PrivateTree;
  /** Folders to look into, without links; what was added stays, so that links cannot lead in circles. */
  readonly #folders: Set<string>;

  constructor(root: string, tree: PrivateTree) {
    this.#root = root;
    this.#tree = tree;
    this.#folders = new Set([root]);
  }

  async run(): Promise<void> {
    // A set's iteration includes what is added meanwhile.
    for (const folder of this.#folders) {
      const entries = await readdir(folder, { withFileTypes: true }).catch(ignoreMissing);
      if (!entries) continue;
      for (let i = 0; i < entries.length; i += SLICE) {
        const slice = entries.slice(i, i + SLICE);
        for (const entry of slice) if (!entry.isSymbolicLink()) this.#visit(folder, entry);
        for (const entry of slice) if (entry.isSymbolicLink()) await this.#follow(folder, entry);
        await setImmediate();
      }
    }
  }

  #visit(folder: string, entry: Dirent): void {
    const place = path.join(folder, entry.name);
    const info = lstatSync(place, { throwIfNoEntry: false });
    // Another process of ours may have removed it just now.
    if (!info) return;
    if (this.#isOwn(folder, entry)) {
      this.#requireOwner(place, info);
      if (info.isDirectory()) this.#folders.add(place);
    }
    if (info.uid === this.#tree.owner && (info.isDirectory() || info.isFile())) this.#tighten(place, info);
  }

  async #follow(folder: string, entry: Dirent): Promise<void> {
    const link = path.join(folder, entry.name);
    const target = await realpath(link).catch(ignoreMissing);
    if (target === undefined) return;
    const info = await stat(target);
    if (!info.isDirectory()) return;
    const { owner } = this.#tree;
    if ((info.mode & WRITABLE_BY_OTHERS) !== 0 || (info.uid !== owner && info.uid !== ROOT)) {
      throw badParameter(
        `${link} leads to ${target}, which others can change: run chown ${owner} ${target} && chmod 0700 ${target}, or remove the link`,
      );
    }
    if (!this.#isOwn(folder, entry)) return;
    this.#requireOwner(target, info);
    this.#tighten(target, info);
    this.#folders.add(target);
  }

  #isOwn(folder: string, entry: Dirent): boolean {
    return folder !== this.#root || this.#tree.ownFolders.has(entry.name);
  }

  #requireOwner(place: string, { uid }: Stats): void {
    const { owner } = this.#tree;
    if (uid !== owner) {
      throw badParameter(
        `${place} belongs to user ${uid}, teleport runs as ${owner}: run chown -R ${owner} ${place}`,
      );
    }
  }

  #tighten(place: string, { mode }: Stats): void {
    if ((mode & GROUP_AND_OTHERS) === 0) return;
    chmodSync(place, mode & 0o700);
    this.#tree.log.info("tightened the mode of a file that others could open", {
      path: place,
      from: modeText(mode & 0o777),
      to: modeText(mode & 0o700),
    });
  }
}

function modeText(mode: number): string {
  return mode.toString(8).padStart(4, "0");
}

function ignoreMissing(error: unknown): undefined {
  if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
}
