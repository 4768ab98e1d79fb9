/** Turns resources into their stored bytes and back, and checks what callers send. */
import { type z } from "zod";
import { badParameter, corrupt } from "../errors/error.js";
import { withUnknownFields } from "./unknown-fields.js";

/** Reads, checks and writes one kind of stored object. */
export interface Codec<T> {
  /** For readers that know where in a file a value stands. It drops unknown fields. */
  readonly schema: z.ZodType<T>;
  /** Checks what a caller sent. Throws `bad_parameter` in one line, also for a field that does not exist. */
  check(input: unknown): T;
  /** Checks what a peer of another version sent: as {@link check}, but unknown fields are dropped. */
  checkLenient(input: unknown): T;
  /** Reads stored bytes; unknown fields are dropped. Throws `corrupt`, naming the key and never the value. */
  decode(key: string, value: Uint8Array): T;
  /** The canonical bytes: the schema's field order, empty optional fields left out, no spaces. */
  encode(value: T): Buffer;
  /** As {@link encode}, with the fields of the replaced bytes that the schema does not know behind the known ones. */
  encodeOver(value: T, replaced: Uint8Array): Buffer;
}

/** How a codec writes. */
export interface CodecOptions {
  /** Writes `&`, `<` and `>` as 4.2 does for its plain structs (storage.md §0). */
  readonly escapeHtml?: boolean;
}

/** A codec for objects that `schema` describes; `what` names them in errors. */
export function createCodec<T>(what: string, schema: z.ZodType<T>, options: CodecOptions = {}): Codec<T> {
  const parse = (input: unknown): T => {
    const result = schema.safeParse(input);
    if (!result.success) {
      throw badParameter(`${label(what, input)}: ${firstIssue(result.error)}`);
    }
    return result.data;
  };
  const bytesOf = (value: unknown): Buffer => {
    const text = JSON.stringify(value);
    return Buffer.from(options.escapeHtml ? text.replace(/[&<>\u2028\u2029]/g, unicodeEscape) : text);
  };
  return {
    schema,
    check(input) {
      const parsed = parse(input);
      const unknown = unknownField(input, parsed);
      if (unknown !== undefined) {
        throw badParameter(`${label(what, input)}: there is no field ${unknown}`);
      }
      return withoutUndefined(parsed);
    },
    checkLenient: (input) => withoutUndefined(parse(input)),
    decode(key, value) {
      try {
        return withoutUndefined(parse(JSON.parse(Buffer.from(value).toString("utf8"))));
      } catch (error) {
        // The parser's own message quotes the text, which may be a secret: it is not passed on.
        const reason = error instanceof SyntaxError ? "it is not JSON" : (error as Error).message;
        throw corrupt(`the stored ${what} under ${key} cannot be read: ${reason}`);
      }
    },
    encode: (value) => bytesOf(parse(value)),
    encodeOver(value, replaced) {
      const before = jsonOf(replaced);
      const known = schema.safeParse(before);
      return bytesOf(withUnknownFields(parse(value), before, known.data));
    },
  };
}

/** Undefined for bytes that are not JSON: there is nothing to take over from those. */
function jsonOf(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(bytes).toString("utf8"));
  } catch {
    return undefined;
  }
}

function label(what: string, input: unknown): string {
  const name = (input as { metadata?: { name?: unknown } } | null | undefined)?.metadata?.name;
  return typeof name === "string" ? `${what} ${JSON.stringify(name)}` : what;
}

function firstIssue(error: z.ZodError): string {
  const issue = error.issues[0];
  const path = issue?.path.join(".") ?? "";
  return `${path === "" ? "" : `${path}: `}${issue?.message ?? "is not valid"}`;
}

function unknownField(input: unknown, parsed: unknown, path = ""): string | undefined {
  if (typeof input !== "object" || input === null || typeof parsed !== "object" || parsed === null) {
    return undefined;
  }
  for (const [name, value] of Object.entries(input)) {
    const here = path === "" ? name : `${path}.${name}`;
    const found =
      name in parsed ? unknownField(value, (parsed as Record<string, unknown>)[name], here) : here;
    if (found !== undefined) {
      return found;
    }
  }
  return undefined;
}

function withoutUndefined<T>(value: T): T {
  if (Array.isArray(value)) {
    return value.map(withoutUndefined) as T;
  }
  if (typeof value !== "object" || value === null) {
    return value;
  }
  const result: Record<string, unknown> = {};
  for (const [name, inner] of Object.entries(value)) {
    if (inner !== undefined) {
      result[name] = withoutUndefined<unknown>(inner);
    }
  }
  return result as T;
}

function unicodeEscape(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
}
