import type { Server } from "../resources/server.js";

/** The labels that roles see on a server: the static ones, and over them the results of its label commands. */
export function serverLabels(server: Server): Record<string, string> {
  const results = Object.entries(server.spec.cmd_labels ?? {}).map(
    ([key, label]) => [key, label.result] as const,
  );
  return { ...server.metadata.labels, ...Object.fromEntries(results) };
}
