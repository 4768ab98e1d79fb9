/**
 * Building blocks of the resource schemas. The order of the fields in a schema is the order in which they are stored,
 * and an optional field is left out where it is empty: both are part of the stored format (storage.md §0).
 */
import { z } from "zod";
import { parseBoolean } from "../grammar/boolean.js";
import { formatDuration, parseDuration } from "../grammar/duration.js";
import { errorMessage } from "../errors/error.js";
import { canonicalTime } from "./rfc3339.js";
import { ZERO_TIME } from "./envelope.js";

/** A time; where it is absent, 4.2's zero time. */
export const time = z.string().transform(parsedBy(canonicalTime)).default(ZERO_TIME);

/** A time that is left out where there is none. */
export const optionalTimeField = z
  .string()
  .optional()
  .transform((text, context) => (text ? parsedBy(canonicalTime)(text, context) : undefined));

/** A duration in Go syntax, rewritten in its canonical form. */
export const duration = z.string().transform(parsedBy((text) => formatDuration(parseDuration(text))));

/** A truth value; 4.2 also takes the words of YAML 1.1. */
export const truth = z.union([z.boolean(), z.string().transform(parsedBy(parseBoolean))]);

/** A list that 4.2 writes as `null` where it is nil. */
export const nullableTexts = z
  .array(z.string())
  .nullish()
  .transform((list) => list ?? null);

/** An optional field that is left out where it is empty: `""`, `0`, `false`, `[]` or `{}`. */
export function omitEmpty<T extends z.ZodType>(field: T) {
  return field
    .nullish()
    .transform((value): z.output<T> | undefined => (isEmpty(value) ? undefined : (value as z.output<T>)));
}

/** A field that 4.2 sends and nobody stores. */
export const dropped = z
  .unknown()
  .optional()
  .transform((): undefined => undefined);

/** Resource metadata. `namespace` and `id` are accepted and never stored. */
export const metadata = z.object({
  name: z.string().min(1, "must not be empty"),
  namespace: dropped,
  description: omitEmpty(z.string()),
  labels: omitEmpty(z.record(z.string().regex(/^[a-zA-Z/.0-9_*-]+$/, "is not a label key"), z.string())),
  expires: optionalTimeField,
  id: dropped,
});

/** The schema of a whole resource. A version that is left out is filled in; another one is an error. */
export function resource<K extends string, S extends z.ZodType>(kind: K, version: string, spec: S) {
  return z.object({
    kind: z.literal(kind),
    sub_kind: omitEmpty(z.string()),
    version: z.literal(version).default(version),
    metadata,
    spec,
  });
}

function isEmpty(value: unknown): boolean {
  if (Array.isArray(value)) {
    return value.length === 0;
  }
  if (typeof value === "object" && value !== null) {
    return Object.values(value).every((inner) => inner === undefined);
  }
  return !value;
}

function parsedBy<T>(parse: (text: string) => T) {
  return (text: string, context: z.RefinementCtx): T => {
    try {
      return parse(text);
    } catch (error) {
      context.addIssue({ code: "custom", message: errorMessage(error) });
      return z.NEVER;
    }
  };
}
