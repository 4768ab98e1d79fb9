import type { z } from "zod";
import type { Position, Finding } from "./problem.js";
import type { PositionedNode } from "./positioned.js";
import { keysAt } from "./schema-keys.js";
import { nearest } from "./suggest.js";

/**
 * The keys of a tree that a schema has dropped: what it made of the tree (`parsed`) does not have them. For schemas that
 * let unknown keys pass, because peers of other versions send them, where a person's typing errors must not pass.
 */
export function unknownKeys(schema: z.ZodType, root: PositionedNode, parsed: unknown): Finding[] {
  const findings: Finding[] = [];
  const visit = (node: PositionedNode, value: unknown, path: readonly (string | number)[]): void => {
    if (typeof value !== "object" || value === null) return;
    if (node.kind === "list") {
      node.items.forEach((item, i) => visit(item, (value as unknown[])[i], [...path, i]));
      return;
    }
    if (node.kind !== "map") return;
    for (const [key, entry] of node.entries) {
      const here = [...path, key];
      if (key in value) visit(entry.node, (value as Record<string, unknown>)[key], here);
      else findings.push(unknown(entry.keyPosition, here, keysAt(schema, path)));
    }
  };
  visit(root, parsed, []);
  return findings;
}

function unknown(position: Position, path: readonly (string | number)[], known: readonly string[]): Finding {
  const near = nearest(String(path.at(-1)), known);
  return {
    position,
    message: `there is no field ${path.join(".")}`,
    hint: near === undefined ? undefined : `did you mean '${near}'?`,
  };
}
