import { internal } from "../../errors/error.js";

/** Turns parsed JSON into a typed value, or throws `internal` where a server sent something else. */
export type Shape<T> = (value: unknown) => T;

/** JSON text. */
export const text: Shape<string> = (value) => {
  if (typeof value !== "string") throw unexpected("a string");
  return value;
};

/** A JSON object whose named fields are there; their content is the server's word, which was verified. */
export function object<T extends object>(...required: (keyof T & string)[]): Shape<T> {
  return (value) => {
    if (typeof value !== "object" || value === null || required.some((field) => !(field in value))) {
      throw unexpected(`an object with ${required.join(", ")}`);
    }
    return value as T;
  };
}

/** A resource of 4.2's envelope. */
export function resource<T extends { kind: string }>(): Shape<T> {
  return object("kind", "metadata" as keyof T & string, "spec" as keyof T & string);
}

/** A list of a shape; Go writes an empty one as null. */
export function list<T>(item: Shape<T>): Shape<T[]> {
  return (value) => {
    if (value === null) return [];
    if (!Array.isArray(value)) throw unexpected("a list");
    return value.map(item);
  };
}

function unexpected(what: string): Error {
  return internal(`the auth server's reply is not ${what}: is it a Teleport auth server?`);
}
