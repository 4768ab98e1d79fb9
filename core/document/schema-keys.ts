import { z } from "zod";

/** The keys that a schema accepts at `path`; empty where it is not a map with fixed keys. */
export function keysAt(schema: z.ZodType, path: readonly PropertyKey[]): string[] {
  let current: z.ZodType | undefined = schema;
  for (const step of path) {
    if (current === undefined) return [];
    current = typeof step === "number" ? elementOf(current) : shapeOf(current).get(String(step));
  }
  return current === undefined ? [] : [...shapeOf(current).keys()];
}

/** For every key of a schema, the dotted names of the sections that accept it; the root is the empty name. */
export function sectionsByKey(schema: z.ZodType): ReadonlyMap<string, readonly string[]> {
  const index = new Map<string, string[]>();
  const visit = (current: z.ZodType, name: string): void => {
    const element = elementOf(current);
    if (element) visit(element, `${name}[]`);
    for (const [key, child] of shapeOf(current)) {
      index.set(key, [...(index.get(key) ?? []), name]);
      visit(child, name === "" ? key : `${name}.${key}`);
    }
  };
  visit(schema, "");
  return index;
}

/** The keys that users may write: custom schemas hold what the schema itself puts there. */
function shapeOf(schema: z.ZodType): ReadonlyMap<string, z.ZodType> {
  const inner = unwrap(schema);
  if (!(inner instanceof z.ZodObject)) return new Map();
  const shape: Readonly<Record<string, z.ZodType>> = inner.shape;
  return new Map(Object.entries(shape).filter(([, child]) => !(unwrap(child) instanceof z.ZodCustom)));
}

function elementOf(schema: z.ZodType): z.ZodType | undefined {
  const inner = unwrap(schema);
  return inner instanceof z.ZodArray ? (inner.element as z.ZodType) : undefined;
}

/** Looks through optional values, defaults and transforms, which all keep the shape that users write. */
function unwrap(schema: z.ZodType): z.ZodType {
  if (
    schema instanceof z.ZodOptional ||
    schema instanceof z.ZodNullable ||
    schema instanceof z.ZodDefault ||
    schema instanceof z.ZodPrefault
  ) {
    return unwrap(schema.unwrap() as z.ZodType);
  }
  if (schema instanceof z.ZodPipe) {
    const input = schema.in as z.ZodType;
    return unwrap(input instanceof z.ZodTransform ? (schema.out as z.ZodType) : input);
  }
  return schema;
}
