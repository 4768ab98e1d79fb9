import { z } from "zod";

/** The keys that a schema accepts at `path`; empty where it is not a map with fixed keys. */
export function keysAt(schema: z.ZodType, path: readonly PropertyKey[]): string[] {
  let current: z.ZodType | undefined = schema;
  for (const step of path) {
    const inner: z.ZodType | undefined = current && unwrap(current);
    if (inner instanceof z.ZodObject) current = (inner.shape as Record<string, z.ZodType>)[String(step)];
    else if (inner instanceof z.ZodArray) current = inner.element as z.ZodType;
    else return [];
  }
  const target = current && unwrap(current);
  return target instanceof z.ZodObject ? Object.keys(target.shape) : [];
}

/** For every key of a schema, the dotted names of the sections that accept it; the root is the empty name. */
export function sectionsByKey(schema: z.ZodType): ReadonlyMap<string, readonly string[]> {
  const index = new Map<string, string[]>();
  const visit = (current: z.ZodType, name: string): void => {
    const inner = unwrap(current);
    if (inner instanceof z.ZodArray) visit(inner.element as z.ZodType, `${name}[]`);
    if (!(inner instanceof z.ZodObject)) return;
    for (const [key, child] of Object.entries(inner.shape as Record<string, z.ZodType>)) {
      index.set(key, [...(index.get(key) ?? []), name]);
      visit(child, name === "" ? key : `${name}.${key}`);
    }
  };
  visit(schema, "");
  return index;
}

/** Looks through optional values, defaults and transforms, which all keep the shape that users write. */
function unwrap(schema: z.ZodType): z.ZodType {
  if (schema instanceof z.ZodOptional || schema instanceof z.ZodNullable || schema instanceof z.ZodDefault) {
    return unwrap(schema.unwrap() as z.ZodType);
  }
  if (schema instanceof z.ZodPipe) {
    const input = schema.in as z.ZodType;
    return unwrap(input instanceof z.ZodTransform ? (schema.out as z.ZodType) : input);
  }
  return schema;
}
