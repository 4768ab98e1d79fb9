/**
 * Regular expressions that cannot hang the daemon. Roles may hold any expression and nodes any label value; a
 * backtracking matcher takes exponential time on some pairs of them. RE2 takes linear time, and its syntax is that of
 * the roles of 4.2, whose Go has the same engine: no back-references, no look-around.
 */
import { RE2JS } from "re2js";
import { badParameter, errorMessage } from "../errors/error.js";

const MAX_EXPRESSION_CHARS = 1024;
const MAX_SUBJECT_CHARS = 512;
/** Bounds the time of a match: each instruction may be visited once for each character. */
const MAX_INSTRUCTIONS = 1000;
/** Bounds the time of compiling, some 5 µs for each instruction. */
const MAX_ESTIMATED_INSTRUCTIONS = 20_000;

/** A compiled expression. */
export interface RegularExpression {
  /** Whether it matches anywhere in the subject. Throws `bad_parameter` beyond 512 characters. */
  test(subject: string): boolean;
}

/** Compiles an expression. Throws `bad_parameter` for bad syntax, and for an expression that is too large. */
export function compileRegularExpression(source: string): RegularExpression {
  if (source.length > MAX_EXPRESSION_CHARS) {
    throw badParameter(`a regular expression may have at most ${MAX_EXPRESSION_CHARS} characters`);
  }
  const expression = compile(source);
  return {
    test(subject) {
      if (subject.length > MAX_SUBJECT_CHARS) {
        throw badParameter(`a regular expression is matched against at most ${MAX_SUBJECT_CHARS} characters`);
      }
      return expression.test(subject);
    },
  };
}

function compile(source: string): RE2JS {
  if (estimatedInstructions(source) > MAX_ESTIMATED_INSTRUCTIONS) throw tooLarge();
  let expression: RE2JS;
  try {
    expression = RE2JS.compile(source);
  } catch (cause) {
    const reason = errorMessage(cause).replace(/^error parsing regexp: /, "");
    throw badParameter(`the regular expression cannot be used: ${reason}`, { cause });
  }
  if (expression.programSize() > MAX_INSTRUCTIONS) throw tooLarge();
  return expression;
}

/** A rough upper bound, without parsing: a count behind a group multiplies all before it, any other adds to it. */
function estimatedInstructions(source: string): number {
  let estimate = 0;
  let end = 0;
  for (const match of source.matchAll(/(\)?)\{(\d+)(?:,(\d*))?\}/g)) {
    const [text, group, min, max] = match;
    const count = Math.max(1, Number(min), Number(max ?? 0));
    estimate += match.index - end;
    estimate = group ? estimate * count : estimate + count;
    end = match.index + text.length;
  }
  return estimate + source.length - end;
}

const tooLarge = (): Error =>
  badParameter("the regular expression is too large: use fewer or smaller repetitions");
