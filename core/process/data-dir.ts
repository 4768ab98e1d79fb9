/** The daemon's data directory: nobody but its owner may enter, since private keys lie in it. */
import { chmod, lstat, mkdir, readdir } from "node:fs/promises";
import path from "node:path";
import { badParameter, unavailable } from "../errors/error.js";
import type { Logger } from "../plugin/logger.js";

const GROUP_AND_OTHERS = 0o077;
/** Folders below the data directory whose modes are not touched: users' own files may lie there. */
const MAX_DEPTH = 4;

/**
 * Creates the directory (0700) or checks the one that is there.
 *
 * Throws `bad_parameter`, with the command that mends it, where others can enter the directory or it belongs to someone
 * else. Looser modes below it (4.2 leaves some) are tightened and logged.
 */
export async function openDataDir(directory: string, log: Logger): Promise<void> {
  try {
    await mkdir(directory, { recursive: true, mode: 0o700 });
  } catch (cause) {
    throw unavailable(`cannot create the data directory ${directory}: ${(cause as Error).message}`, {
      cause,
    });
  }
  const info = await lstat(directory);
  if (!info.isDirectory()) throw badParameter(`data_dir ${directory} is not a directory`);
  const owner = process.getuid?.() ?? info.uid;
  if (info.uid !== owner) {
    throw badParameter(
      `data_dir ${directory} belongs to user ${info.uid}, teleport runs as ${owner}: run chown -R ${owner} ${directory}`,
    );
  }
  if ((info.mode & GROUP_AND_OTHERS) !== 0) {
    throw badParameter(`data_dir ${directory} can be entered by others: run chmod 0700 ${directory}`);
  }
  await tighten(directory, log, MAX_DEPTH);
}

async function tighten(directory: string, log: Logger, depth: number): Promise<void> {
  if (depth === 0) return;
  for (const entry of await readdir(directory, { withFileTypes: true })) {
    const place = path.join(directory, entry.name);
    if (!entry.isDirectory() && !entry.isFile()) continue;
    const { mode } = await lstat(place);
    if ((mode & GROUP_AND_OTHERS) !== 0) {
      await chmod(place, mode & 0o700);
      log.info("tightened the mode of a file that others could open", {
        path: place,
        from: (mode & 0o777).toString(8).padStart(4, "0"),
        to: (mode & 0o700).toString(8).padStart(4, "0"),
      });
    }
    if (entry.isDirectory()) await tighten(place, log, depth - 1);
  }
}
