import { z } from "zod";

/** `listen_addr` as `listenAddr`. */
export type CamelCase<S extends string> = S extends `${infer Head}_${infer Tail}`
  ? `${Head}${Capitalize<CamelCase<Tail>>}`
  : S;

/** An object type with the keys of teleport.yaml turned to camelCase. */
export type Camelized<T> = { [K in keyof T as CamelCase<K & string>]: T[K] };

/**
 * A map of teleport.yaml with fixed keys, all of them optional. A key without a value (or with an empty text) counts
 * as absent, as in 4.2; keys that are not in `shape` are errors; the output has camelCase keys.
 */
export function section<S extends z.ZodRawShape>(shape: S) {
  const known = new Set(Object.keys(shape));
  return z
    .preprocess((value) => withoutUnset(value, known), z.strictObject(shape).partial())
    .transform((value) => camelized(value));
}

/** Like {@link section} for the entries of a list: keys that are not optional in `shape` must be there. */
export function entry<S extends z.ZodRawShape>(shape: S) {
  return z.strictObject(shape).transform((value) => camelized(value));
}

function withoutUnset(value: unknown, known: ReadonlySet<string>): unknown {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value ?? {};
  return Object.fromEntries(
    Object.entries(value).filter(([key, inner]) => !known.has(key) || (inner !== null && inner !== "")),
  );
}

function camelized<T extends object>(value: T): Camelized<T> {
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [
      key.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase()),
      inner as unknown,
    ]),
  ) as Camelized<T>;
}
