/**
 * Checkpoints of an unpacked recording: places in its output from which a screen can be painted without all that came
 * before. One is kept where the program cleared the whole screen, at most every 256 KiB; where none did for so long,
 * one is kept all the same, from which at least the newest lines come out right.
 *
 * A screen is painted from the last clear if that is no more than 4 MiB of output back, else from the first checkpoint
 * within 4 MiB. In the alternate screen (vim, less, tmux) the main screen beneath is painted first, in the same way.
 */
import { createReadStream } from "node:fs";
import type { ScreenPart } from "../resources/timeline.js";
import { ControlSequences, type OutputToken } from "./control-sequences.js";
import { FixedRecords, writeRecords } from "./fixed-records.js";
import { ScreenModes } from "./screen-modes.js";

const SPACING_BYTES = 256 * 1024;
/** The most output that one part of a screen is painted from. */
export const MAX_REPAINT_BYTES = 4 * 1024 * 1024;
/** JSON padded with spaces; the modes are bounded by their kinds to about 200 characters. */
const RECORD_BYTES = 2048;
/** Clears and others take turns at most, so this many records reach back over {@link MAX_REPAINT_BYTES}. */
const REACH = (2 * MAX_REPAINT_BYTES) / SPACING_BYTES + 2;

interface Checkpoint {
  readonly offset: number;
  /** Whether the whole screen was cleared here. */
  readonly isClear: boolean;
  readonly modes: string;
  /** In the alternate screen, the main one beneath. */
  readonly main?: ScreenPart | undefined;
}

/** The final byte of SGR, which may stand between the halves of a clear. */
const ATTRIBUTES = 0x6d;
const START: Checkpoint = { offset: 0, isClear: true, modes: "" };

/** Writes the checkpoints of an output file. */
export async function buildCheckpoints(outputPath: string, target: string): Promise<void> {
  await writeRecords(target, encodeCheckpoints(outputPath));
}

/** How to paint the screen that the first `outputBytes` of the output left. */
export async function readScreenParts(path: string, outputBytes: number): Promise<ScreenPart[]> {
  const records = await FixedRecords.open(path, RECORD_BYTES);
  try {
    const end = await records.after(outputBytes, (record) => decode(record).offset);
    const first = Math.max(0, end - REACH);
    const near = (await records.read(first, end - first)).map(decode);
    const { main, ...chosen } = choose(first === 0 ? [START, ...near] : near, outputBytes);
    const part = { modes: chosen.modes, offset: chosen.offset, bytes: outputBytes - chosen.offset };
    return main === undefined ? [part] : [main, part];
  } finally {
    await records.close();
  }
}

/** The checkpoint to paint from; there is at least one, the oldest first. */
function choose(checkpoints: readonly Checkpoint[], end: number): Checkpoint {
  const isNear = ({ offset }: Checkpoint): boolean => end - offset <= MAX_REPAINT_BYTES;
  const clear = checkpoints.findLast(({ isClear }) => isClear);
  if (clear !== undefined && isNear(clear)) return clear;
  return checkpoints.find(isNear) ?? checkpoints.at(-1) ?? START;
}

async function* encodeCheckpoints(outputPath: string): AsyncGenerator<Buffer> {
  const finder = new CheckpointFinder();
  for await (const piece of createReadStream(outputPath) as AsyncIterable<Buffer>) {
    for (const checkpoint of finder.push(piece)) yield encode(checkpoint);
  }
}

/** Finds the checkpoints of output as it comes. */
class CheckpointFinder {
  readonly #sequences = new ControlSequences();
  readonly #modes = new ScreenModes();
  /** Those that the main screen may be painted from. */
  #ofMain: Checkpoint[] = [START];
  #main: ScreenPart | undefined;
  #lastOffset = 0;
  #lastClearOffset = 0;
  /** The token before, while it is half of a clear. */
  #half: { readonly half: "home" | "erase" | undefined; readonly offset: number } | undefined;

  *push(piece: Buffer): Generator<Checkpoint> {
    for (const token of this.#sequences.push(piece)) {
      if (token.kind === "text" || token.kind === "string") {
        this.#half = undefined;
        continue;
      }
      const { sequence } = token;
      if (token.final === ATTRIBUTES) {
        this.#modes.apply(sequence);
        continue;
      }
      const clearOffset = this.#clearAt(token, sequence);
      if (clearOffset !== undefined && clearOffset - this.#lastClearOffset >= SPACING_BYTES) {
        yield this.#keep(clearOffset, true);
      }
      const wasAlternate = this.#modes.isAlternate;
      this.#modes.apply(sequence);
      if (!this.#modes.isAlternate) this.#main = undefined;
      else if (!wasAlternate) this.#main = this.#mainScreen(token.offset);
    }
    const { offset } = this.#sequences;
    if (offset - this.#lastOffset >= SPACING_BYTES) yield this.#keep(offset, false);
  }

  /** Where the screen was cleared if this token completes that: a reset, or "home" and "erase" in either order. */
  #clearAt(token: OutputToken, sequence: string): number | undefined {
    if (sequence === "\u001bc") return token.offset;
    const half = isHome(sequence) ? "home" : /^\u001b\[[02]?J$/.test(sequence) ? "erase" : undefined;
    const before = this.#half;
    // To erase from the cursor on counts only after the cursor has gone home.
    const mayBegin = half === "home" || sequence === "\u001b[2J";
    const completes = half !== undefined && before !== undefined && before.half !== half;
    this.#half = mayBegin && !completes ? { half, offset: token.offset } : undefined;
    return completes ? before.offset : undefined;
  }

  #mainScreen(end: number): ScreenPart {
    const { modes, offset } = choose(this.#ofMain, end);
    return { modes, offset, bytes: end - offset };
  }

  #keep(offset: number, isClear: boolean): Checkpoint {
    const main = this.#modes.isAlternate ? this.#main : undefined;
    const checkpoint = { offset, isClear, modes: this.#modes.toString(), main };
    this.#lastOffset = offset;
    if (isClear) this.#lastClearOffset = offset;
    if (main === undefined) this.#ofMain = [...this.#ofMain.slice(-REACH), checkpoint];
    return checkpoint;
  }
}

const isHome = (sequence: string): boolean => /^\u001b\[(?:1?(?:;1?)?)H$/.test(sequence);

function encode(checkpoint: Checkpoint): Buffer {
  const record = Buffer.alloc(RECORD_BYTES, " ");
  record.write(JSON.stringify(checkpoint));
  return record;
}

const decode = (record: Buffer): Checkpoint => JSON.parse(record.toString("utf8")) as Checkpoint;
