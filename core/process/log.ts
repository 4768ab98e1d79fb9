/** The daemon's log: pino's levels and fields, written as 4.2's text lines (features.md §11.5) or as JSON. */
import { createWriteStream } from "node:fs";
import { Writable } from "node:stream";
import pino from "pino";
import { unavailable } from "../errors/error.js";
import { escapeControl } from "../grammar/control-characters.js";
import type { LogSeverity } from "../config/schema/log.js";
import type { Logger } from "../plugin/logger.js";

/** Where and how to log. */
export interface LogOptions {
  readonly severity: LogSeverity;
  /** `stderr`, `stdout` or a file path. */
  readonly output: string;
  readonly format: "text" | "json";
}

const LEVEL_NAMES: Readonly<Record<number, string>> = { 20: "DEBU", 30: "INFO", 40: "WARN", 50: "ERRO" };

/** Opens the log. Throws `unavailable` where a log file cannot be opened. */
export async function openLog(options: LogOptions): Promise<Logger> {
  const sink = await openSink(options.output);
  const stream = options.format === "json" ? sink : textLines(sink);
  const root = pino(
    { level: options.severity, base: null, timestamp: pino.stdTimeFunctions.isoTime },
    stream,
  );
  return wrap(root, "");
}

function wrap(log: pino.Logger, component: string): Logger {
  return {
    debug: (message, fields) => log.debug(fields ?? {}, message),
    info: (message, fields) => log.info(fields ?? {}, message),
    warn: (message, fields) => log.warn(fields ?? {}, message),
    error: (message, fields) => log.error(fields ?? {}, message),
    child(name) {
      const full = component ? `${component}:${name}` : name;
      return wrap(log.child({ component: full }), full);
    },
  };
}

async function openSink(output: string): Promise<Writable> {
  if (output === "stderr") return process.stderr;
  if (output === "stdout") return process.stdout;
  return openFile(output);
}

async function openFile(path: string): Promise<Writable> {
  const file = createWriteStream(path, { flags: "a", mode: 0o640 });
  await new Promise<void>((resolve, reject) => {
    file.once("open", () => resolve());
    file.once("error", (cause) =>
      reject(unavailable(`cannot open the log file ${path}: ${cause.message}`, { cause })),
    );
  });
  // A full disk must not end the daemon; what it cannot write to the file goes to stderr.
  file.on("error", (error) => process.stderr.write(`cannot write the log file ${path}: ${error.message}\n`));
  return file;
}

/** Turns pino's JSON lines into `LEVL [COMPONENT] message key:value`. */
function textLines(sink: Writable): Writable {
  return new Writable({
    decodeStrings: false,
    write(line: string, _encoding, done) {
      sink.write(textLine(line));
      done();
    },
  });
}

/** One text line of a JSON line; control characters in values are escaped, so that no value can forge a line. */
export function textLine(json: string): string {
  const { level, time, component, msg, ...fields } = JSON.parse(json) as Record<string, unknown>;
  const name = typeof component === "string" ? component.toUpperCase() : "";
  const prefix = name ? `[${name}]`.padEnd(11) : "";
  const extra = Object.entries(fields).map(([key, value]) => `${key}:${printable(value)}`);
  const text = [`${prefix}${prefix ? " " : ""}${escapeControl(String(msg))}`, ...extra].join(" ");
  return `${String(time)} ${LEVEL_NAMES[Number(level)] ?? "INFO"} ${text}\n`;
}

function printable(value: unknown): string {
  const isPlain = typeof value === "string" && !/[\s"]/.test(value);
  return escapeControl(isPlain ? value : (JSON.stringify(value) ?? "undefined"));
}
