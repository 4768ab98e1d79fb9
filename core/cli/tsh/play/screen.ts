/** The viewer's terminal while a recording is played on it. */
import type { RecordedSize, SessionScreen } from "../../../resources/timeline.js";
import { PlayFilter } from "./filter.js";
import type { SessionOutput } from "../session-output.js";

/** Where output goes. */
export interface PlayTerminal {
  /** Resolves when the data is taken. */
  write(data: string | Uint8Array): Promise<void>;
  /** Width for the clock in the corner. */
  readonly columns: () => number;
}

/** Main screen, default modes and margins, cursor shown, no attributes (DECSTR and what it leaves out). */
const RESET = "\u001b[?1049l\u001b[!p\u001b[?5l\u001b[?7h\u001b[?25h\u001b[?69l\u001b[r\u001b(B\u001b[0m";
const CLEAR = "\u001b[H\u001b[2J";

/** Shows a recording's output, and nothing that does more than show. */
export class PlayScreen {
  readonly #terminal: PlayTerminal;
  readonly #output: Pick<SessionOutput, "read">;
  #filter = new PlayFilter();

  constructor(terminal: PlayTerminal, output: Pick<SessionOutput, "read">) {
    this.#terminal = terminal;
    this.#output = output;
  }

  /** Goes on with the output that follows. */
  async show(offset: number, bytes: number): Promise<void> {
    for await (const piece of this.#output.read(offset, bytes)) {
      await this.#terminal.write(this.#filter.push(piece));
    }
  }

  /** Asks the terminal for the recorded size. */
  async resize({ columns, rows }: RecordedSize): Promise<void> {
    await this.#terminal.write(`\u001b[8;${rows};${columns}t`);
  }

  /** Paints the screen of another moment. */
  async paint({ size, parts }: Pick<SessionScreen, "size" | "parts">): Promise<void> {
    await this.#terminal.write(RESET + CLEAR);
    if (size !== undefined) await this.resize(size);
    for (const { modes, offset, bytes } of parts) {
      this.#filter = new PlayFilter();
      await this.#terminal.write(modes);
      await this.show(offset, bytes);
    }
  }

  /** Writes the session's time in the top right corner; the cursor stays where it is. */
  async showClock(elapsedMs: number): Promise<void> {
    const seconds = Math.floor(elapsedMs / 1000);
    const two = (value: number): string => String(value).padStart(2, "0");
    const time = `${two(Math.floor(seconds / 3600))}:${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}`;
    const column = Math.max(1, this.#terminal.columns() - time.length + 1);
    await this.#terminal.write(`\u001b7\u001b[1;${column}H\u001b[7m${time}\u001b[0m\u001b8`);
  }

  /** Gives the terminal back in its ordinary modes. */
  async leave(): Promise<void> {
    await this.#terminal.write(RESET);
  }
}
