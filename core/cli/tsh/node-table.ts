/** Nodes as `tsh ls` shows and selects them (features.md §3.4). */
import type { Server } from "../../resources/server.js";
import { table } from "../table.js";

const LABELS_PER_LINE = 2;

/** All labels of a node: the fixed ones, and over them the results of its commands. */
export function nodeLabels(node: Server): Record<string, string> {
  const results = Object.entries(node.spec.cmd_labels ?? {}).map(([name, { result }]) => [name, result]);
  return { ...node.metadata.labels, ...(Object.fromEntries(results) as Record<string, string>) };
}

/** The nodes that carry all of these labels, by host name. */
export function selectNodes(nodes: readonly Server[], wanted: Readonly<Record<string, string>>): Server[] {
  const matches = (node: Server): boolean => {
    const labels = nodeLabels(node);
    return Object.entries(wanted).every(
      ([name, value]) => Object.hasOwn(labels, name) && labels[name] === value,
    );
  };
  const order = (node: Server): string => `${node.spec.hostname}\0${node.metadata.name}`;
  return nodes.filter(matches).sort((a, b) => (order(a) < order(b) ? -1 : 1));
}

/** The table of nodes, two labels to a line. Ends with an empty line. */
export function nodeTable(nodes: readonly Server[]): string {
  const rows = nodes.flatMap((node) =>
    chunks(labelTexts(node), LABELS_PER_LINE).map((labels, i) =>
      i === 0 ? [node.spec.hostname, nodeAddress(node), labels.join(", ")] : ["", "", labels.join(", ")],
    ),
  );
  return `${table(["Node Name", "Address", "Labels"], rows)}\n`;
}

/** The table with node ids, one line to a node. Ends with an empty line. */
export function verboseNodeTable(nodes: readonly Server[]): string {
  const rows = nodes.map((node) => [
    node.spec.hostname,
    node.metadata.name,
    nodeAddress(node),
    labelTexts(node).join(","),
  ]);
  return `${table(["Node Name", "Node ID", "Address", "Labels"], rows)}\n`;
}

/** Where a node is reached, as tables show it. */
export function nodeAddress(node: Server): string {
  return node.spec.use_tunnel ? "⟵ Tunnel" : node.spec.addr;
}

function labelTexts(node: Server): string[] {
  return Object.entries(nodeLabels(node))
    .map(([name, value]) => `${name}=${value}`)
    .sort();
}

/** At least one chunk, perhaps an empty one. */
function chunks(items: readonly string[], size: number): string[][] {
  const result: string[][] = [];
  for (let i = 0; i < items.length || i === 0; i += size) result.push(items.slice(i, i + size));
  return result;
}
