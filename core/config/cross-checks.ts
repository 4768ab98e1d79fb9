import type { Finding } from "../document/problem.js";
import { locate } from "../document/positioned.js";
import type { PositionedEntry, PositionedNode } from "../document/positioned.js";
import { DISPLAY_OFFSET } from "./node-settings.js";

/**
 * Rules between keys. They look at the tree instead of the checked values, so that their findings are reported
 * together with those of single keys.
 */
export function crossCheck(root: PositionedNode): Finding[] {
  return [tlsPair(root), externalAudit(root), auditTable(root), displays(root)].filter(
    (finding) => finding !== undefined,
  );
}

function tlsPair(root: PositionedNode): Finding | undefined {
  const key = entryAt(root, "proxy_service", "https_key_file");
  const certificate = entryAt(root, "proxy_service", "https_cert_file");
  const lonely = key && !certificate ? key : !key ? certificate : undefined;
  if (!lonely) return undefined;
  return {
    position: lonely.keyPosition,
    message: "please supply both TLS key and certificate",
    hint: `add ${key ? "https_cert_file" : "https_key_file"}`,
  };
}

/** Logs that leave the machine need recordings that do so too: other auth servers could not play them otherwise. */
function externalAudit(root: PositionedNode): Finding | undefined {
  const events = entryAt(root, "teleport", "storage", "audit_events_uri");
  const sessions = entryAt(root, "teleport", "storage", "audit_sessions_uri");
  if (!events || sessions) return undefined;
  const nodes = events.node.kind === "list" ? events.node.items : [events.node];
  const isLocal = nodes.every((node) => node.kind === "scalar" && /^(?:\/|file:|stdout:)/.test(node.text));
  if (isLocal) return undefined;
  return {
    position: events.keyPosition,
    message: "please specify audit_sessions_uri when using external audit backends",
  };
}

function auditTable(root: PositionedNode): Finding | undefined {
  const table = entryAt(root, "teleport", "storage", "audit_table_name");
  if (!table || !entryAt(root, "teleport", "storage", "audit_events_uri")) return undefined;
  return {
    position: table.keyPosition,
    message: "audit_table_name and audit_events_uri exclude each other",
    hint: "keep audit_events_uri",
  };
}

function displays(root: PositionedNode): Finding | undefined {
  const last = entryAt(root, "ssh_service", "x11", "max_display");
  const first = entryAt(root, "ssh_service", "x11", "display_offset");
  const number = (entry: PositionedEntry | undefined, fallback: number): number =>
    entry?.node.kind === "scalar" ? Number(entry.node.text) : fallback;
  if (!last || number(last, 0) >= number(first, DISPLAY_OFFSET)) return undefined;
  return {
    position: last.keyPosition,
    message: `max_display is below display_offset (${number(first, DISPLAY_OFFSET)}), which leaves no display`,
    hint: "raise max_display",
  };
}

function entryAt(root: PositionedNode, ...path: string[]): PositionedEntry | undefined {
  const { node, path: found, keyPosition } = locate(root, path);
  const isSet = found.length === path.length && !(node.kind === "scalar" && node.text === "");
  return isSet && keyPosition ? { keyPosition, node } : undefined;
}
