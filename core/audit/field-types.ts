/** The types that fields of audit events have, as values for validation and as TypeScript types at once. */

/** What each field type is in TypeScript. */
interface FieldValues {
  string: string;
  integer: number;
  boolean: boolean;
  strings: readonly string[];
  /** Names to strings, such as labels. */
  map: Readonly<Record<string, string>>;
}

/** The name of a field type. */
export type FieldType = keyof FieldValues;

/** The fields of one kind of event; a `?` marks those that may be absent. */
export type FieldSpec = Readonly<Record<string, FieldType | `${FieldType}?`>>;

type Required<S extends FieldSpec> = { [K in keyof S]: S[K] extends FieldType ? K : never }[keyof S];
type ValueOf<T> = T extends FieldType
  ? FieldValues[T]
  : T extends `${infer U extends FieldType}?`
    ? FieldValues[U]
    : never;

/** The TypeScript type of the fields that a spec describes. */
export type FieldsOf<S extends FieldSpec> = { readonly [K in Required<S>]: ValueOf<S[K]> } & {
  readonly [K in Exclude<keyof S, Required<S>>]?: ValueOf<S[K]> | undefined;
};

/** The type a spec gives a field, without the `?`; undefined for a field it does not name. */
export function fieldType(spec: FieldSpec, field: string): FieldType | undefined {
  if (!Object.hasOwn(spec, field)) return undefined;
  return spec[field]?.replace(/\?$/, "") as FieldType;
}

/** Whether `value` is of the type. */
export function isOfType(type: FieldType, value: unknown): boolean {
  switch (type) {
    case "string":
      return typeof value === "string";
    case "integer":
      return Number.isSafeInteger(value);
    case "boolean":
      return typeof value === "boolean";
    case "strings":
      return Array.isArray(value) && value.every((item) => typeof item === "string");
    case "map":
      return (
        typeof value === "object" &&
        value !== null &&
        !Array.isArray(value) &&
        Object.values(value).every((item) => typeof item === "string")
      );
  }
}
