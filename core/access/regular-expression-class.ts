import { badParameter } from "../errors/error.js";

/** Whether a code point belongs to a set of characters. */
export type CharacterTest = (code: number) => boolean;

/** A reading position in the source of an expression; one step is one code point. */
export class Source {
  readonly #characters: readonly string[];
  #at = 0;

  constructor(text: string) {
    this.#characters = Array.from(text);
  }

  /** The next character; undefined at the end. */
  peek(offset = 0): string | undefined {
    return this.#characters[this.#at + offset];
  }

  /** Takes the next character. Throws `bad_parameter` at the end. */
  next(): string {
    const character = this.#characters[this.#at++];
    if (character === undefined) {
      throw badParameter("the regular expression ends too early");
    }
    return character;
  }

  /** Takes `text` if it comes next. */
  eat(text: string): boolean {
    const found = Array.from(text).every((character, offset) => this.peek(offset) === character);
    this.#at += found ? Array.from(text).length : 0;
    return found;
  }

  /** Takes everything up to `end`, and `end` too. */
  until(end: string): string {
    let taken = "";
    while (!this.eat(end)) {
      taken += this.next();
    }
    return taken;
  }
}

/** Whether a code point is of `\w`. Nothing at all, as beyond the ends of a subject, is not. */
export const isWordCharacter = (code: number | undefined): boolean =>
  code !== undefined && /^[0-9A-Za-z_]$/.test(String.fromCodePoint(code));

/** Widens a test to the other case of each letter. */
export function ignoringCase(accepts: CharacterTest): CharacterTest {
  return (code) => {
    const character = String.fromCodePoint(code);
    const variants = [character, character.toLowerCase(), character.toUpperCase()];
    return variants.some((variant) => accepts(variant.codePointAt(0) ?? code));
  };
}

/** Reads what follows a backslash: a character class such as `\d`, or the code point of one character. */
export function parseEscape(source: Source): CharacterTest | number {
  const letter = source.next();
  const shorthand = SHORTHANDS[letter.toLowerCase()];
  if (shorthand !== undefined) {
    return letter === letter.toLowerCase() ? shorthand : (code) => !shorthand(code);
  }
  if (letter === "x") {
    const digits = source.eat("{") ? source.until("}") : source.next() + source.next();
    const code = /^[0-9a-fA-F]{1,6}$/.test(digits) ? parseInt(digits, 16) : Infinity;
    if (code > 0x10ffff) {
      throw badParameter("the regular expression has a bad \\x escape");
    }
    return code;
  }
  const control = CONTROLS[letter];
  if (control === undefined && /[0-9A-Za-z]/.test(letter)) {
    throw badParameter(`the regular expression uses \\${letter}, which is not supported`);
  }
  return control ?? codeOf(letter);
}

/** Reads a bracket expression behind its `[`. */
export function parseBrackets(source: Source): CharacterTest {
  const negated = source.eat("^");
  const tests: CharacterTest[] = [];
  do {
    tests.push(parseBracketItem(source));
  } while (!source.eat("]"));
  const accepts = (code: number): boolean => tests.some((test) => test(code));
  return negated ? (code) => !accepts(code) : accepts;
}

function parseBracketItem(source: Source): CharacterTest {
  if (source.eat("[:")) {
    return posixClass(source.until(":]"));
  }
  const low = parseBracketCharacter(source);
  if (typeof low === "function") {
    return low;
  }
  if (source.peek() !== "-" || source.peek(1) === "]") {
    return (code) => code === low;
  }
  source.next();
  const high = parseBracketCharacter(source);
  if (typeof high === "function" || high < low) {
    throw badParameter("the regular expression has a bad character range");
  }
  return (code) => code >= low && code <= high;
}

function parseBracketCharacter(source: Source): CharacterTest | number {
  const character = source.next();
  return character === "\\" ? parseEscape(source) : codeOf(character);
}

function posixClass(name: string): CharacterTest {
  const negated = name.startsWith("^");
  const accepts = POSIX[negated ? name.slice(1) : name];
  if (accepts === undefined) {
    throw badParameter("the regular expression names an unknown character class");
  }
  return negated ? (code) => !accepts(code) : accepts;
}

/** The code point of a character. */
export const codeOf = (character: string): number => character.codePointAt(0) ?? 0;

/** JavaScript's own engine is safe for single characters: nothing can backtrack. */
const oneOf =
  (set: RegExp): CharacterTest =>
  (code) =>
    set.test(String.fromCodePoint(code));

const SHORTHANDS: Readonly<Record<string, CharacterTest>> = {
  d: oneOf(/^[0-9]$/),
  s: oneOf(/^[\t\n\f\r ]$/),
  w: isWordCharacter,
};
const CONTROLS: Readonly<Record<string, number>> = { a: 7, f: 12, t: 9, n: 10, r: 13, v: 11 };
const POSIX: Readonly<Record<string, CharacterTest>> = {
  alnum: oneOf(/^[0-9A-Za-z]$/),
  alpha: oneOf(/^[A-Za-z]$/),
  digit: oneOf(/^[0-9]$/),
  lower: oneOf(/^[a-z]$/),
  punct: oneOf(/^[!-/:-@[-`{-~]$/),
  space: oneOf(/^[\t\n\v\f\r ]$/),
  upper: oneOf(/^[A-Z]$/),
  word: isWordCharacter,
  xdigit: oneOf(/^[0-9A-Fa-f]$/),
};
