import { CodedError } from "../errors/error.js";
import { escapeControl } from "../grammar/control-characters.js";

/** A place in a text file; both count from 1. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

/** One thing that is wrong, or ignored, at one place of a file. */
export interface ConfigProblem extends Position {
  /** The file's path as the user gave it. */
  readonly file: string;
  readonly message: string;
  /** What to do about it, where that can be said: `did you mean 'labels'?`. */
  readonly hint?: string | undefined;
}

/** A problem whose file is not known yet. */
export interface Finding {
  readonly position: Position;
  readonly message: string;
  readonly hint?: string | undefined;
}

/** A problem from a finding. */
export function problemIn(file: string, finding: Finding): ConfigProblem {
  const { line, column } = finding.position;
  return { file, line, column, message: finding.message, hint: finding.hint };
}

/** One line: `teleport.yaml:3:5: message, hint`. What the file says cannot break it. */
export function formatProblem(problem: ConfigProblem): string {
  const hint = problem.hint === undefined ? "" : `, ${problem.hint}`;
  return escapeControl(`${problem.file}:${problem.line}:${problem.column}: ${problem.message}${hint}`);
}

/** Every problem of a file at once, in file order; `message` has one line for each. Code `config`. */
export class ConfigError extends CodedError {
  readonly problems: readonly ConfigProblem[];

  constructor(problems: readonly ConfigProblem[]) {
    const sorted = unique(problems).sort((a, b) => a.line - b.line || a.column - b.column);
    super("config", sorted.map(formatProblem).join("\n"));
    this.name = "ConfigError";
    this.problems = sorted;
  }
}

/** What stands behind an anchor is checked once for each alias, but wrong only once. */
function unique(problems: readonly ConfigProblem[]): ConfigProblem[] {
  return [...new Map(problems.map((problem) => [formatProblem(problem), problem])).values()];
}
