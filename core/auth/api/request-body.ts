import { badParameter } from "../../errors/error.js";

/** A JSON object that came over the network; nothing is known of its fields. */
export type JsonObject = Readonly<Record<string, unknown>>;

/** `value` as a JSON object. Throws `bad_parameter`. */
export function asObject(value: unknown, what = "the request body"): JsonObject {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw badParameter(`${what} must be a JSON object`);
  }
  return value as JsonObject;
}

/** The object in a field of a body. Throws `bad_parameter`. */
export function objectField(body: JsonObject, field: string): JsonObject {
  return asObject(body[field], `field '${field}'`);
}

/**
 * The resource in a field of a body: an object with a name. Its content is checked where it is used, behind the
 * typed interface, since callers in the same process pass there as well. Throws `bad_parameter`.
 */
export function resourceField<R>(body: JsonObject, field: string): R {
  const resource = objectField(body, field);
  if (typeof objectField(resource, "metadata").name !== "string") {
    throw badParameter(`field '${field}' must hold a resource with metadata.name`);
  }
  objectField(resource, "spec");
  return resource as R;
}

/** The text in a field of a body; absent is empty. Throws `bad_parameter`. */
export function textField(body: JsonObject, field: string): string {
  const value = body[field] ?? "";
  if (typeof value !== "string") throw badParameter(`field '${field}' must be a string`);
  return value;
}

/** The number in a field of a body; absent is 0. Throws `bad_parameter`. */
export function numberField(body: JsonObject, field: string): number {
  const value = body[field] ?? 0;
  if (typeof value !== "number") throw badParameter(`field '${field}' must be a number`);
  return value;
}

/** The list of texts in a field of a body; absent and null are empty. Throws `bad_parameter`. */
export function textsField(body: JsonObject, field: string): string[] {
  const value = body[field] ?? [];
  if (!Array.isArray(value) || value.some((item) => typeof item !== "string")) {
    throw badParameter(`field '${field}' must be a list of strings`);
  }
  return value as string[];
}
