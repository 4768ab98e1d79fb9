/** The user's terminal while a program on a node has it. */
import { spawnSync } from "node:child_process";
import type { TerminalSize } from "./remote-process.js";

const DEFAULT_SIZE: TerminalSize = { columns: 80, rows: 25 };

/** The size of the terminal; 80x25 where there is none. */
export function terminalSize(): TerminalSize {
  const { columns, rows } = process.stdout;
  return columns > 0 && rows > 0 ? { columns, rows } : DEFAULT_SIZE;
}

/** Passes every key and all output unchanged until the returned function is called, or the process exits. */
export function enterRawMode(): () => void {
  const { stdin } = process;
  if (!stdin.isTTY) return () => undefined;
  const restore = (): void => {
    process.off("exit", restore);
    stdin.setRawMode(false);
  };
  process.on("exit", restore);
  stdin.setRawMode(true);
  // Node's raw mode still turns LF into CR LF, which full-screen programs use to move the cursor straight down.
  spawnSync("stty", ["-opost"], { stdio: ["inherit", "ignore", "ignore"] });
  return restore;
}

/** Calls back when the window changes its size, until the returned function is called. */
export function onResize(listener: (size: TerminalSize) => void): () => void {
  const listen = (): void => listener(terminalSize());
  process.stdout.on("resize", listen);
  return () => void process.stdout.off("resize", listen);
}
