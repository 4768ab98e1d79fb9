/** `tctl top` on a terminal: drawn anew with each report, each key and each change of size. */
import { errorMessage } from "../../errors/error.js";
import type { Clock } from "../../plugin/clock.js";
import { terminalText } from "../terminal-text.js";
import type { Snapshot } from "./prometheus-text.js";
import { type Page, PAGES, topPage, type TopData } from "./top-report.js";

/** What the screen shows. */
export interface TopScreenOptions {
  readonly first: Snapshot;
  /** Reads the next metrics. */
  readonly read: () => Promise<Snapshot>;
  readonly refreshMs: number;
  readonly clock: Clock;
}

const ENTER = "\u001b[?1049h\u001b[?25l";
const LEAVE = "\u001b[?25h\u001b[?1049l";
const HOME = "\u001b[H";
const CLEAR_LINE = "\u001b[K";
const CLEAR_BELOW = "\u001b[J";
const CTRL_C = "\u0003";
const HINT = "Press <q> or Ctrl-C to quit.";

/** Shows reports until `q` or Ctrl-C is pressed, or the terminal goes away. What cannot be read is said, and asked for again. */
export async function runTopScreen({ first, read, refreshMs, clock }: TopScreenOptions): Promise<void> {
  const { stdin, stdout } = process;
  const quit = new AbortController();
  let page: Page = "1";
  let data: TopData = { current: first, previous: undefined };
  let problem = "";

  const draw = (): void => {
    const keys = Object.entries(PAGES).map(([key, name]) =>
      key === page ? `[${key}] ${name}` : ` ${key}  ${name}`,
    );
    const text = `${keys.join("  ")}\n\n${topPage(page, data, HINT)}${problem && `\n\n${terminalText(problem)}`}`;
    const lines = text.split("\n").slice(0, stdout.rows);
    const fitted = lines.map((line) => [...line].slice(0, stdout.columns).join("") + CLEAR_LINE);
    stdout.write(HOME + fitted.join("\r\n") + CLEAR_BELOW);
  };
  const onKeys = (keys: string): void => {
    for (const key of keys) {
      if (key === "q" || key === CTRL_C) quit.abort();
      else if (key in PAGES) page = key as Page;
    }
    if (!quit.signal.aborted) draw();
  };
  const onEnd = (): void => quit.abort();
  const refresh = async (): Promise<void> => {
    try {
      data = { current: await read(), previous: data.current };
      problem = "";
    } catch (error) {
      problem = errorMessage(error);
    }
  };

  stdin.setEncoding("utf8").setRawMode(true).on("data", onKeys).on("end", onEnd).resume();
  process.on("SIGTERM", onEnd).on("SIGHUP", onEnd);
  stdout.on("resize", draw).write(ENTER);
  try {
    draw();
    for (;;) {
      await clock.sleep(refreshMs, quit.signal).catch(() => undefined);
      if (quit.signal.aborted) return;
      await refresh();
      if (quit.signal.aborted) return;
      draw();
    }
  } finally {
    stdout.off("resize", draw).write(LEAVE);
    process.off("SIGTERM", onEnd).off("SIGHUP", onEnd);
    stdin.off("data", onKeys).off("end", onEnd).setRawMode(false).pause();
  }
}
