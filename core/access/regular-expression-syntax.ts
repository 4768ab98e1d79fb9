import { badParameter } from "../errors/error.js";
import {
  type CharacterTest,
  codeOf,
  ignoringCase,
  isWordCharacter,
  parseBrackets,
  parseEscape,
  Source,
} from "./regular-expression-class.js";

/** The largest count in `{n,m}`, as in Go. */
const MAX_COUNT = 1000;

/** A parsed expression. */
export type Syntax =
  | { readonly type: "character"; readonly accepts: CharacterTest }
  /** Matches between two characters, where its condition on them holds. */
  | { readonly type: "assertion"; readonly holds: (before?: number, after?: number) => boolean }
  | { readonly type: "sequence"; readonly items: readonly Syntax[] }
  | { readonly type: "alternatives"; readonly items: readonly Syntax[] }
  | { readonly type: "repetition"; readonly item: Syntax; readonly min: number; readonly max: number };

/** What `(?i)` and `(?s)` switch on. */
interface Flags {
  readonly ignoreCase: boolean;
  readonly dotAll: boolean;
}

/** Parses an expression. Throws `bad_parameter`. */
export function parseSyntax(text: string): Syntax {
  const source = new Source(text);
  const syntax = parseAlternatives(source, { ignoreCase: false, dotAll: false });
  if (source.peek() !== undefined) {
    throw badParameter("the regular expression has a ) without a (");
  }
  return syntax;
}

function parseAlternatives(source: Source, outer: Flags): Syntax {
  let flags = outer;
  const items: Syntax[] = [];
  do {
    const sequence: Syntax[] = [];
    while (source.peek() !== undefined && source.peek() !== "|" && source.peek() !== ")") {
      const switched = parseFlagSwitch(source, flags);
      if (switched === undefined) {
        sequence.push(parseRepetition(source, parseAtom(source, flags)));
      } else {
        flags = switched;
      }
    }
    items.push({ type: "sequence", items: sequence });
  } while (source.eat("|"));
  return items.length === 1 && items[0] ? items[0] : { type: "alternatives", items };
}

/** Reads `(?i)`, `(?s)`, `(?is)` and their negations, which hold to the end of the enclosing group. */
function parseFlagSwitch(source: Source, flags: Flags): Flags | undefined {
  for (const text of ["(?i)", "(?s)", "(?is)", "(?si)", "(?-i)", "(?-s)"]) {
    if (source.eat(text)) {
      const on = !text.includes("-");
      return {
        ignoreCase: text.includes("i") ? on : flags.ignoreCase,
        dotAll: text.includes("s") ? on : flags.dotAll,
      };
    }
  }
  return undefined;
}

function parseAtom(source: Source, flags: Flags): Syntax {
  const character = source.next();
  switch (character) {
    case "(":
      return parseGroup(source, flags);
    case "[":
      return characterOf(parseBrackets(source), flags);
    case ".":
      return characterOf((code) => flags.dotAll || code !== 0x0a, flags);
    case "^":
      return atStart;
    case "$":
      return atEnd;
    case "\\":
      return parseEscapedAtom(source, flags);
    case "*":
    case "+":
    case "?":
      throw badParameter(`the regular expression has nothing before ${character} to repeat`);
    default:
      return literal(codeOf(character), flags);
  }
}

function parseGroup(source: Source, flags: Flags): Syntax {
  let inner = flags;
  if (source.eat("?i:")) {
    inner = { ...flags, ignoreCase: true };
  } else if (source.eat("?P<") || source.eat("?<")) {
    if (!/^\w+$/.test(source.until(">"))) {
      throw badParameter("the regular expression has a bad group name");
    }
  } else if (!source.eat("?:") && source.peek() === "?") {
    throw badParameter("the regular expression has a group of an unsupported kind");
  }
  const syntax = parseAlternatives(source, inner);
  if (!source.eat(")")) {
    throw badParameter("the regular expression has a ( without a )");
  }
  return syntax;
}

function parseEscapedAtom(source: Source, flags: Flags): Syntax {
  if (source.eat("A")) {
    return atStart;
  }
  if (source.eat("z")) {
    return atEnd;
  }
  if (source.eat("b")) {
    return {
      type: "assertion",
      holds: (before, after) => isWordCharacter(before) !== isWordCharacter(after),
    };
  }
  if (source.eat("B")) {
    return {
      type: "assertion",
      holds: (before, after) => isWordCharacter(before) === isWordCharacter(after),
    };
  }
  const escaped = parseEscape(source);
  return typeof escaped === "number" ? literal(escaped, flags) : characterOf(escaped, flags);
}

function parseRepetition(source: Source, item: Syntax): Syntax {
  const bounds = parseBounds(source);
  if (bounds === undefined) {
    return item;
  }
  // Lazy or greedy, the answer to "does it match?" is the same.
  source.eat("?");
  if (parseBounds(source) !== undefined) {
    throw badParameter("the regular expression repeats a repetition: put it into a group");
  }
  return { type: "repetition", item, ...bounds };
}

function parseBounds(source: Source): { min: number; max: number } | undefined {
  if (source.eat("*")) {
    return { min: 0, max: Infinity };
  }
  if (source.eat("+")) {
    return { min: 1, max: Infinity };
  }
  if (source.eat("?")) {
    return { min: 0, max: 1 };
  }
  return parseCounts(source);
}

/** A brace that does not begin a count is a literal brace, as in Go. */
function parseCounts(source: Source): { min: number; max: number } | undefined {
  let text = "";
  for (let offset = 0; offset < 12 && !text.endsWith("}"); offset++) {
    text += source.peek(offset) ?? "";
  }
  const match = /^\{(\d{1,4})(?:(,)(\d{1,4})?)?\}$/.exec(text);
  if (match === null) {
    return undefined;
  }
  source.eat(text);
  const min = Number(match[1]);
  const max = match[3] !== undefined ? Number(match[3]) : match[2] !== undefined ? Infinity : min;
  if (min > MAX_COUNT || max < min || (max !== Infinity && max > MAX_COUNT)) {
    throw badParameter(`the regular expression has bad repetition counts: at most ${MAX_COUNT}, in order`);
  }
  return { min, max };
}

const atStart: Syntax = { type: "assertion", holds: (before) => before === undefined };
const atEnd: Syntax = { type: "assertion", holds: (_before, after) => after === undefined };

const literal = (wanted: number, flags: Flags): Syntax => characterOf((code) => code === wanted, flags);

function characterOf(accepts: CharacterTest, flags: Flags): Syntax {
  return { type: "character", accepts: flags.ignoreCase ? ignoringCase(accepts) : accepts };
}
