/** The tree of a YAML file in which every key and value knows its place; aliases and merge keys are resolved. */

import type { Position } from "./problem.js";

/** A value of the tree. */
export type PositionedNode = PositionedScalar | PositionedList | PositionedMap;

/** A scalar, with its text so that it can be read again as the type that a schema expects. */
export interface PositionedScalar {
  readonly kind: "scalar";
  readonly position: Position;
  readonly value: string | number | boolean | null;
  /** The text as written, without quotes. */
  readonly text: string;
}

/** A list. */
export interface PositionedList {
  readonly kind: "list";
  readonly position: Position;
  readonly items: readonly PositionedNode[];
}

/** A map with the place of every key. */
export interface PositionedMap {
  readonly kind: "map";
  readonly position: Position;
  readonly entries: ReadonlyMap<string, PositionedEntry>;
}

/** One key with its value. */
export interface PositionedEntry {
  readonly keyPosition: Position;
  readonly node: PositionedNode;
}

/** Where a path of keys and indices leads. */
export interface Location {
  /** The deepest node that exists on the path. */
  readonly node: PositionedNode;
  /** The path of that node. */
  readonly path: readonly (string | number)[];
  /** The place of the key that holds the node; absent for the root and for list items. */
  readonly keyPosition?: Position | undefined;
}

/** Follows `path` from `root` as far as nodes exist. */
export function locate(root: PositionedNode, path: readonly PropertyKey[]): Location {
  let location: Location = { node: root, path: [] };
  for (const step of path) {
    const { node } = location;
    const entry = node.kind === "map" && typeof step === "string" ? node.entries.get(step) : undefined;
    const item = node.kind === "list" && typeof step === "number" ? node.items[step] : undefined;
    const next = entry?.node ?? item;
    if (next === undefined) break;
    location = {
      node: next,
      path: [...location.path, step as string | number],
      keyPosition: entry?.keyPosition,
    };
  }
  return location;
}

/** A map without some of its keys. */
export function withoutKeys(map: PositionedMap, keys: ReadonlySet<string>): PositionedMap {
  return { ...map, entries: new Map([...map.entries].filter(([key]) => !keys.has(key))) };
}

const nodes = new WeakMap<object, PositionedMap>();

/**
 * The plain value that a schema checks. Maps become objects that {@link nodeOf} traces back; `readings` replaces
 * single scalars, by {@link pathKey}.
 */
export function plainValue(
  node: PositionedNode,
  readings: ReadonlyMap<string, unknown> = new Map(),
  path: readonly (string | number)[] = [],
): unknown {
  if (node.kind === "scalar") {
    const key = pathKey(path);
    return readings.has(key) ? readings.get(key) : node.value;
  }
  if (node.kind === "list") return node.items.map((item, i) => plainValue(item, readings, [...path, i]));
  const object: object = Object.fromEntries(
    [...node.entries].map(([key, entry]) => [key, plainValue(entry.node, readings, [...path, key])]),
  );
  nodes.set(object, node);
  return object;
}

/** A path as one string. */
export function pathKey(path: readonly PropertyKey[]): string {
  return JSON.stringify(path);
}

/** The map that {@link plainValue} made an object from. */
export function nodeOf(object: object): PositionedMap | undefined {
  return nodes.get(object);
}
