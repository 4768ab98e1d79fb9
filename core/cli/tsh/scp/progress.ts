/** What `tsh scp` shows of its files: a bar for each on a terminal, else one line in 4.2's form. */
import { basename } from "node:path";
import type { Clock } from "../../../plugin/clock.js";
import { terminalText } from "../../terminal-text.js";

/** Told of the files of a copy, one after the other. */
export interface ScpProgress {
  start(name: string, sizeBytes: number): void;
  /** So many bytes more have been copied. */
  add(bytes: number): void;
  /** The file has been copied, or was given up. */
  end(): void;
}

/** Where bars are drawn. */
export interface BarTerminal {
  write(text: string): void;
  readonly columns: () => number;
}

const REDRAW_MS = 100;
const BAR_COLUMNS = 20;
const UNITS = ["B", "KB", "MB", "GB", "TB", "PB"] as const;

/** Shows nothing. */
export const noProgress: ScpProgress = { start: () => undefined, add: () => undefined, end: () => undefined };

/** One line when a file begins: `-> name (bytes)`, or `<-` for a download. */
export function linesOfFiles(arrow: "->" | "<-", print: (line: string) => void): ScpProgress {
  return {
    ...noProgress,
    start: (name, sizeBytes) => print(`${arrow} ${terminalText(name)} (${sizeBytes})`),
  };
}

/** A bar with percent, bytes, rate and the time that is left; a line of its own for each file. */
export class ProgressBar implements ScpProgress {
  readonly #terminal: BarTerminal;
  readonly #clock: Clock;
  #name = "";
  #sizeBytes = 0;
  #doneBytes = 0;
  #startMs = 0;
  #drawnMs = 0;

  constructor(terminal: BarTerminal, clock: Clock) {
    this.#terminal = terminal;
    this.#clock = clock;
  }

  start(name: string, sizeBytes: number): void {
    this.#name = terminalText(basename(name));
    this.#sizeBytes = sizeBytes;
    this.#doneBytes = 0;
    this.#startMs = this.#now();
    this.#draw();
  }

  add(bytes: number): void {
    this.#doneBytes += bytes;
    if (this.#now() - this.#drawnMs >= REDRAW_MS) this.#draw();
  }

  end(): void {
    this.#draw();
    this.#terminal.write("\n");
  }

  #draw(): void {
    this.#drawnMs = this.#now();
    const passedMs = this.#drawnMs - this.#startMs;
    const share = this.#sizeBytes === 0 ? 1 : this.#doneBytes / this.#sizeBytes;
    const bytesPerMs = passedMs === 0 ? 0 : this.#doneBytes / passedMs;
    const isWhole = this.#doneBytes >= this.#sizeBytes;
    const leftMs = bytesPerMs === 0 ? undefined : (this.#sizeBytes - this.#doneBytes) / bytesPerMs;
    const figures = [
      `${Math.floor(share * 100)}%`.padStart(4),
      formatBytes(this.#doneBytes),
      `${formatBytes(bytesPerMs * 1000)}/s`,
      isWhole ? `${formatTime(passedMs)}    ` : `${formatTime(leftMs)} ETA`,
    ].join(" ");
    const filled = Math.floor(share * BAR_COLUMNS);
    const bar = `[${"#".repeat(filled).padEnd(BAR_COLUMNS, ".")}]`;
    const room = this.#terminal.columns() - 1;
    const withBar = room >= 20 + bar.length + figures.length;
    const tail = withBar ? `${bar} ${figures}` : figures;
    const nameColumns = Math.max(8, room - tail.length - 1);
    const name = [...this.#name].slice(0, nameColumns).join("").padEnd(nameColumns);
    this.#terminal.write(`\r${name} ${tail}`);
  }

  #now(): number {
    return this.#clock.now().getTime();
  }
}

/** Bytes in seven columns: `  12 KB`. */
export function formatBytes(bytes: number): string {
  let value = bytes;
  let unit = 0;
  for (; value >= 1000 && unit < UNITS.length - 1; unit++) value /= 1024;
  const number = unit > 0 && value < 10 ? value.toFixed(1) : String(Math.round(value));
  return `${number} ${UNITS[unit]}`.padStart(7);
}

/** `mm:ss`, with hours where there are any; dashes where it is not known. */
export function formatTime(ms: number | undefined): string {
  if (ms === undefined) return "--:--";
  const seconds = Math.round(ms / 1000);
  const two = (value: number): string => String(value).padStart(2, "0");
  const hours = Math.floor(seconds / 3600);
  return `${hours > 0 ? `${hours}:` : ""}${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}`;
}
