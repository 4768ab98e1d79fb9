/**
 * Regular expressions that cannot hang the daemon. Roles may hold any expression and nodes any label value; a
 * backtracking matcher takes exponential time on some pairs of them, so this one runs all alternatives in step
 * (Thompson's construction): at most 1,000 instructions for each of at most 512 characters, which is some ten
 * milliseconds.
 *
 * The syntax is that of Go's RE2, whose expressions 4.2 roles hold, without Unicode classes, `\Q…\E`, `\C` and the
 * flags `m` and `U`; back-references and look-around do not exist there either.
 */
import { badParameter } from "../errors/error.js";
import { compileSyntax, type Instruction } from "./regular-expression-program.js";
import { parseSyntax } from "./regular-expression-syntax.js";

const MAX_EXPRESSION_CHARS = 1024;
const MAX_SUBJECT_CHARS = 512;

/** A compiled expression. */
export interface RegularExpression {
  /** Whether it matches anywhere in the subject. Throws `bad_parameter` beyond 512 characters. */
  test(subject: string): boolean;
}

/** Compiles an expression. Throws `bad_parameter` for bad or unsupported syntax, and for one that is too large. */
export function compileRegularExpression(source: string): RegularExpression {
  if (source.length > MAX_EXPRESSION_CHARS) {
    throw badParameter(`a regular expression may have at most ${MAX_EXPRESSION_CHARS} characters`);
  }
  const program = compileSyntax(parseSyntax(source));
  return {
    test(subject) {
      if (subject.length > MAX_SUBJECT_CHARS) {
        throw badParameter(`a regular expression is matched against at most ${MAX_SUBJECT_CHARS} characters`);
      }
      return run(
        program,
        Array.from(subject, (character) => character.codePointAt(0) ?? 0),
      );
    },
  };
}

function run(program: readonly Instruction[], subject: readonly number[]): boolean {
  // The round in which an instruction was last queued: queues it once per position without clearing a set.
  const queuedAt = new Int32Array(program.length).fill(-1);
  let current: number[] = [];
  for (let position = 0; position <= subject.length; position++) {
    const code = subject[position];
    const before = subject[position - 1];
    const pending = [0, ...current];
    const consuming: number[] = [];
    while (pending.length > 0) {
      const index = pending.pop() ?? 0;
      const instruction = program[index];
      if (instruction === undefined || queuedAt[index] === position) {
        continue;
      }
      queuedAt[index] = position;
      switch (instruction.op) {
        case "match":
          return true;
        case "character":
          consuming.push(index);
          break;
        case "split":
          pending.push(...instruction.targets);
          break;
        case "assert":
          if (instruction.holds(before, code)) {
            pending.push(index + 1);
          }
      }
    }
    if (code === undefined) {
      return false;
    }
    current = consuming.filter((index) => accepts(program[index], code)).map((index) => index + 1);
  }
  return false;
}

function accepts(instruction: Instruction | undefined, code: number): boolean {
  return instruction?.op === "character" && instruction.accepts(code);
}
