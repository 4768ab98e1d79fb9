/** The daemon's data directory: nobody but its owner may enter, since private keys lie in it. */
import { mkdir, realpath, stat } from "node:fs/promises";
import path from "node:path";
import { badParameter, errorMessage, unavailable } from "../errors/error.js";
import type { Logger } from "../plugin/logger.js";
import { tightenTree } from "./private-tree.js";

const GROUP_AND_OTHERS = 0o077;
/** Folders that hold nothing but the daemon's own files; what else lies beside them may be an administrator's. */
const OWN_FOLDERS: ReadonlySet<string> = new Set(["backend", "proc", "log"]);

/**
 * Creates the directory (0700) or checks the one that is there; of a symbolic link, its target.
 *
 * Throws `bad_parameter`, with the command that mends it, where others can enter the directory, where it or anything in
 * the daemon's own folders belongs to someone else, and where a link below it leads to a folder that others can change.
 * Looser modes below it (4.2 leaves some) are tightened and logged.
 */
export async function openDataDir(directory: string, log: Logger): Promise<void> {
  const target = await makeDirectory(directory);
  const name = target === path.resolve(directory) ? target : `${directory} (a link to ${target})`;
  const info = await stat(target);
  if (!info.isDirectory()) throw badParameter(`data_dir ${name} is not a directory`);
  const owner = process.geteuid?.() ?? info.uid;
  if (info.uid !== owner) {
    throw badParameter(
      `data_dir ${name} belongs to user ${info.uid}, teleport runs as ${owner}: run chown -R ${owner} ${target}`,
    );
  }
  if ((info.mode & GROUP_AND_OTHERS) !== 0) {
    throw badParameter(`data_dir ${name} can be entered by others: run chmod 0700 ${target}`);
  }
  await tightenTree(target, { owner, ownFolders: OWN_FOLDERS, log });
}

/** Returns the directory's path without links. */
async function makeDirectory(directory: string): Promise<string> {
  try {
    await mkdir(directory, { recursive: true, mode: 0o700 });
    return await realpath(directory);
  } catch (cause) {
    throw unavailable(`cannot create the data directory ${directory}: ${errorMessage(cause)}`, { cause });
  }
}
