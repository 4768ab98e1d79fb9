/** Payloads of requests on session channels (RFC 4254 §6). Malformed ones throw `bad_parameter`. */
import { SshReader } from "../pki/ssh-wire.js";
import type { TerminalSize } from "./session-process.js";

/** `pty-req`. */
export interface PtyRequest {
  readonly terminalType: string;
  readonly size: TerminalSize;
  /** Encoded modes, for terminal-modes.ts. */
  readonly modes: Buffer;
}

const DEFAULT_SIZE: TerminalSize = { columns: 80, rows: 25 };
const MAX_CHARACTERS = 65_535;

/** Reads `pty-req` (§6.2). A size of zero takes 80x25. */
export function readPtyRequest(payload: Buffer): PtyRequest {
  const reader = new SshReader(payload);
  const terminalType = reader.text();
  const size = readSize(reader);
  return { terminalType, size, modes: reader.string() };
}

/** Reads `window-change` (§6.7). */
export function readWindowChange(payload: Buffer): TerminalSize {
  return readSize(new SshReader(payload));
}

/** Reads `env` (§6.4). */
export function readEnv(payload: Buffer): { name: string; value: string } {
  const reader = new SshReader(payload);
  return { name: reader.text(), value: reader.text() };
}

/** Reads the one string of `exec`, `subsystem` and `signal` (§6.5, §6.9). */
export function readText(payload: Buffer): string {
  return new SshReader(payload).text();
}

function readSize(reader: SshReader): TerminalSize {
  const columns = reader.uint32();
  const rows = reader.uint32();
  // Pixels: programs ask the terminal itself where they need them.
  reader.uint32();
  reader.uint32();
  return {
    columns: clamp(columns, DEFAULT_SIZE.columns),
    rows: clamp(rows, DEFAULT_SIZE.rows),
  };
}

function clamp(value: number, fallback: number): number {
  return value === 0 ? fallback : Math.min(value, MAX_CHARACTERS);
}
