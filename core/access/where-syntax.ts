/** The grammar of a rule's `where` and of its actions (features.md §5.2), which is a part of Go's expressions. */
import { badParameter } from "../errors/error.js";

/** An expression, taken apart. */
export type Expression =
  | { readonly is: "text"; readonly value: string }
  | {
      /** `user.spec.traits["k"]`: the names and keys from left to right. */
      readonly is: "path";
      readonly steps: readonly PathStep[];
    }
  | { readonly is: "call"; readonly name: string; readonly args: readonly Expression[] }
  | { readonly is: "not"; readonly operand: Expression }
  | { readonly is: "and" | "or"; readonly left: Expression; readonly right: Expression };

/** A field, which has to be there, or a key of a map, which may be missing. */
export interface PathStep {
  readonly name: string;
  readonly by: "field" | "key";
}

const MAX_CHARS = 4096;
/** Bounds the recursion over parentheses and negations. */
const MAX_DEPTH = 50;

/** Parses an expression. Throws `bad_parameter` that says where it cannot be read. */
export function parseExpression(source: string): Expression {
  if (source.length > MAX_CHARS) throw badParameter(`it may have at most ${MAX_CHARS} characters`);
  return new Parser(source).whole();
}

const TOKEN = /\s*(?:(&&|\|\||[!().,[\]])|("(?:[^"\\\n]|\\.)*")|`([^`]*)`|([A-Za-z_][A-Za-z0-9_]*)|(\S))/y;

interface Token {
  readonly kind: "sign" | "text" | "name" | "end";
  readonly value: string;
  readonly at: number;
}

class Parser {
  readonly #tokens: readonly Token[];
  #next = 0;
  #depth = 0;

  constructor(source: string) {
    this.#tokens = tokens(source);
  }

  whole(): Expression {
    const expression = this.#or();
    if (this.#peek().kind !== "end") throw this.#unexpected("&&, || or the end");
    return expression;
  }

  #or(): Expression {
    let left = this.#and();
    while (this.#took("||")) left = { is: "or", left, right: this.#and() };
    return left;
  }

  #and(): Expression {
    let left = this.#operand();
    while (this.#took("&&")) left = { is: "and", left, right: this.#operand() };
    return left;
  }

  #operand(): Expression {
    if (++this.#depth > MAX_DEPTH) throw badParameter(`it is nested more than ${MAX_DEPTH} deep`);
    try {
      if (this.#took("!")) return { is: "not", operand: this.#operand() };
      if (this.#took("(")) {
        const inner = this.#or();
        this.#expect(")");
        return inner;
      }
      const token = this.#peek();
      if (token.kind === "text") {
        this.#next++;
        return { is: "text", value: token.value };
      }
      return this.#pathOrCall();
    } finally {
      this.#depth--;
    }
  }

  #pathOrCall(): Expression {
    const steps: PathStep[] = [{ name: this.#name(), by: "field" }];
    for (;;) {
      if (this.#took(".")) steps.push({ name: this.#name(), by: "field" });
      else if (this.#took("[")) {
        steps.push({ name: this.#text(), by: "key" });
        this.#expect("]");
      } else if (steps.every(({ by }) => by === "field") && this.#took("(")) {
        return { is: "call", name: steps.map(({ name }) => name).join("."), args: this.#args() };
      } else return { is: "path", steps };
    }
  }

  #args(): Expression[] {
    const args: Expression[] = [];
    if (this.#took(")")) return args;
    do args.push(this.#or());
    while (this.#took(","));
    this.#expect(")");
    return args;
  }

  #name(): string {
    const token = this.#peek();
    if (token.kind !== "name") throw this.#unexpected("a name");
    this.#next++;
    return token.value;
  }

  #text(): string {
    const token = this.#peek();
    if (token.kind !== "text") throw this.#unexpected("a text in quotes");
    this.#next++;
    return token.value;
  }

  #expect(sign: string): void {
    if (!this.#took(sign)) throw this.#unexpected(`"${sign}"`);
  }

  #took(sign: string): boolean {
    const { kind, value } = this.#peek();
    if (kind !== "sign" || value !== sign) return false;
    this.#next++;
    return true;
  }

  /** The last token is the end, which is never taken. */
  #peek(): Token {
    return this.#tokens[this.#next] ?? { kind: "end", value: "", at: 0 };
  }

  #unexpected(wanted: string): Error {
    const { kind, value, at } = this.#peek();
    const found = kind === "end" ? "the end" : JSON.stringify(value);
    return badParameter(`at character ${at + 1}: expected ${wanted}, found ${found}`);
  }
}

function tokens(source: string): Token[] {
  const found: Token[] = [];
  const text = source.trimEnd();
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < text.length) {
    const match = TOKEN.exec(text);
    if (match === null) break;
    const [all, sign, quoted, raw, name, other = ""] = match;
    const at = match.index + all.length - all.trimStart().length;
    if (sign !== undefined) found.push({ kind: "sign", value: sign, at });
    else if (quoted !== undefined) found.push({ kind: "text", value: unquote(quoted, at), at });
    else if (raw !== undefined) found.push({ kind: "text", value: raw, at });
    else if (name !== undefined) found.push({ kind: "name", value: name, at });
    else throw badParameter(`at character ${at + 1}: ${JSON.stringify(other)} is not understood`);
  }
  return [...found, { kind: "end", value: "", at: text.length }];
}

function unquote(quoted: string, at: number): string {
  try {
    return JSON.parse(quoted) as string;
  } catch (cause) {
    throw badParameter(`at character ${at + 1}: the escapes of ${quoted} are not understood`, { cause });
  }
}
