import { badParameter } from "../errors/error.js";
import type { Syntax } from "./regular-expression-syntax.js";

/** Most instructions of a program: nested counted repetitions multiply. */
const MAX_INSTRUCTIONS = 1000;

/** One step of the matcher. Steps other than `split` and `match` go on with the next instruction. */
export type Instruction =
  | { readonly op: "character"; readonly accepts: (code: number) => boolean }
  /** Goes on at each of the targets. */
  | { readonly op: "split"; readonly targets: number[] }
  /** Goes on where the condition on the neighbouring characters holds. */
  | { readonly op: "assert"; readonly holds: (before?: number, after?: number) => boolean }
  | { readonly op: "match" };

/** Turns a syntax tree into a program that ends with `match`. Throws `bad_parameter` where it would be too long. */
export function compileSyntax(syntax: Syntax): Instruction[] {
  const program: Instruction[] = [];
  emit(program, syntax);
  push(program, { op: "match" });
  return program;
}

function emit(program: Instruction[], syntax: Syntax): void {
  switch (syntax.type) {
    case "character":
      push(program, { op: "character", accepts: syntax.accepts });
      break;
    case "assertion":
      push(program, { op: "assert", holds: syntax.holds });
      break;
    case "sequence":
      // Every piece costs an instruction, an empty one too: else repetitions of nothing would escape the limit.
      pushSplit(program).push(program.length);
      syntax.items.forEach((item) => {
        emit(program, item);
      });
      break;
    case "alternatives":
      emitAlternatives(program, syntax.items);
      break;
    case "repetition":
      emitRepetition(program, syntax.item, syntax.min, syntax.max);
  }
}

function emitAlternatives(program: Instruction[], items: readonly Syntax[]): void {
  const entry = pushSplit(program);
  const exits: number[][] = [];
  for (const item of items) {
    entry.push(program.length);
    emit(program, item);
    exits.push(pushSplit(program));
  }
  exits.forEach((exit) => exit.push(program.length));
}

function emitRepetition(program: Instruction[], item: Syntax, min: number, max: number): void {
  for (let i = 0; i < min; i++) {
    emit(program, item);
  }
  if (max === Infinity) {
    const start = program.length;
    const loop = pushSplit(program);
    loop.push(program.length);
    emit(program, item);
    pushSplit(program).push(start);
    loop.push(program.length);
    return;
  }
  const skips: number[][] = [];
  for (let i = min; i < max; i++) {
    const skip = pushSplit(program);
    skip.push(program.length);
    skips.push(skip);
    emit(program, item);
  }
  skips.forEach((skip) => skip.push(program.length));
}

function pushSplit(program: Instruction[]): number[] {
  const targets: number[] = [];
  push(program, { op: "split", targets });
  return targets;
}

function push(program: Instruction[], instruction: Instruction): void {
  if (program.length >= MAX_INSTRUCTIONS) {
    throw badParameter("the regular expression is too large: use fewer or smaller repetitions");
  }
  program.push(instruction);
}
