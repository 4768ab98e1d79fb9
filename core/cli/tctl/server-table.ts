import type { Server } from "../../resources/server.js";
import { table } from "../table.js";

/** The table of nodes, proxies or auth servers; the host behind a tunnel has no address. */
export function serverTable(servers: readonly Server[]): string {
  return table(
    ["Nodename", "UUID", "Address", "Labels"],
    servers.map(({ metadata, spec }) => [
      spec.hostname,
      metadata.name,
      spec.use_tunnel ? "" : spec.addr,
      labelText({ metadata, spec }),
    ]),
  );
}

/** `k=v,k=v`, sorted: static labels, and over them the results of label commands. */
function labelText({ metadata, spec }: Pick<Server, "metadata" | "spec">): string {
  const labels = new Map(Object.entries(metadata.labels ?? {}));
  for (const [key, { result }] of Object.entries(spec.cmd_labels ?? {})) labels.set(key, result);
  return [...labels]
    .map(([key, value]) => `${key}=${value}`)
    .sort()
    .join(",");
}
