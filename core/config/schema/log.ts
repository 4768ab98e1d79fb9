import { z } from "zod";
import { choice, parsed } from "./field.js";
import { section } from "./section.js";

/** Where log lines go: a standard stream, syslog, or a file. */
export type LogOutput = "stderr" | "stdout" | "syslog" | { readonly file: string };

/** The least severe lines that are written. */
export type LogSeverity = "debug" | "info" | "warn" | "error";

const OUTPUTS: Readonly<Record<string, "stderr" | "stdout" | "syslog">> = {
  stderr: "stderr",
  error: "stderr",
  2: "stderr",
  stdout: "stdout",
  out: "stdout",
  1: "stdout",
  syslog: "syslog",
};

const SEVERITIES: Readonly<Record<string, LogSeverity>> = {
  debug: "debug",
  info: "info",
  warn: "warn",
  warning: "warn",
  err: "error",
  error: "error",
};

const severity = parsed((word): LogSeverity => {
  const found = SEVERITIES[word.toLowerCase()];
  if (found === undefined) throw new Error(`unsupported logger severity: '${word}'`);
  return found;
});

/** `teleport.log`. */
export const logSection = section({
  output: parsed((word): LogOutput => OUTPUTS[word] ?? { file: word }),
  severity,
  format: section({
    output: choice(["text", "json"], (word) => `unsupported log format: '${word}', supported: text, json`),
    extra_fields: z.array(
      choice(["level", "timestamp", "component", "caller"], (word) => `unsupported log field: '${word}'`),
    ),
  }),
});
