import { z } from "zod";
import { nodeOf, withoutKeys } from "../../document/positioned.js";
import type { PositionedMap } from "../../document/positioned.js";
import { section } from "./section.js";

/** A map without any key, such as the settings of a plugin that is given none. */
export const EMPTY_MAP: PositionedMap = {
  kind: "map",
  position: { line: 1, column: 1 },
  entries: new Map(),
};

const tree = z.custom<PositionedMap>();

/** A map whose keys are checked later, by the plugin that it is for. The output is its tree, with positions. */
export const openMap = z
  .preprocess((value) => (isMap(value) ? { tree: nodeOf(value) ?? EMPTY_MAP } : value), z.object({ tree }))
  .transform((value) => value.tree);

/**
 * A map in which the keys of `shape` are checked here, while all others are the settings of the plugin that it
 * selects: the output has those of `shape` in camelCase and the tree of the others as `settings`.
 */
export function pluginSection<S extends z.ZodRawShape>(shape: S) {
  const own = new Set(Object.keys(shape));
  const split = (value: unknown): unknown =>
    isMap(value)
      ? {
          ...Object.fromEntries(Object.entries(value).filter(([key]) => own.has(key))),
          settings: withoutKeys(nodeOf(value) ?? EMPTY_MAP, own),
        }
      : value;
  return z.preprocess(split, section({ ...shape, settings: tree }));
}

function isMap(value: unknown): value is object {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
