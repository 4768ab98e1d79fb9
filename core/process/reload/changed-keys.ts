import type { PositionedMap, PositionedNode } from "../../document/positioned.js";
import type { Position } from "../../document/problem.js";

/** A key that two versions of a file give different values, or that only one of them has. */
export interface ChangedKey {
  /** The path of the key, such as `proxy_service.public_addr`; lists are compared as a whole. */
  readonly key: string;
  /** Where it stands in the new version; of a key that is gone, where the map stands that it was in. */
  readonly place: Position;
}

const START: Position = { line: 1, column: 1 };

/**
 * The keys that differ between two versions of teleport.yaml, in the order of the new one; those that a map has no more come behind
 * those it has.
 */
export function changedKeys(
  before: PositionedNode | undefined,
  after: PositionedNode | undefined,
): ChangedKey[] {
  return differences(before ?? empty(START), after ?? empty(START), "", (after ?? empty(START)).position);
}

function differences(
  before: PositionedNode | undefined,
  after: PositionedNode | undefined,
  key: string,
  place: Position,
): ChangedKey[] {
  if (before?.kind === "map" || after?.kind === "map") {
    const olds = before?.kind === "map" ? before.entries : new Map<string, never>();
    const news = after?.kind === "map" ? after.entries : new Map<string, never>();
    const names = new Set([...news.keys(), ...olds.keys()]);
    return [...names].flatMap((name) => {
      const entry = news.get(name);
      const path = key === "" ? name : `${key}.${name}`;
      return differences(olds.get(name)?.node, entry?.node, path, entry?.keyPosition ?? place);
    });
  }
  return isSame(before, after) ? [] : [{ key, place }];
}

function isSame(a: PositionedNode | undefined, b: PositionedNode | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  if (a.kind === "scalar") return b.kind === "scalar" && a.value === b.value && a.text === b.text;
  if (a.kind === "list") {
    return (
      b.kind === "list" &&
      a.items.length === b.items.length &&
      a.items.every((item, index) => isSame(item, b.items[index]))
    );
  }
  return (
    b.kind === "map" &&
    a.entries.size === b.entries.size &&
    [...a.entries].every(([name, entry]) => isSame(entry.node, b.entries.get(name)?.node))
  );
}

function empty(position: Position): PositionedMap {
  return { kind: "map", position, entries: new Map() };
}
