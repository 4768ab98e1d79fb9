import { badParameter } from "../errors/error.js";
import { checkLabelName, checkLabelValue, parseLabels } from "../grammar/labels.js";
import { checkLabelProgram, parseLabelPeriod } from "./schema/ssh-service.js";

/** A label whose value is the trimmed output of a command. */
export interface CommandLabel {
  readonly name: string;
  /** Program and arguments; no shell is involved. */
  readonly command: readonly string[];
  /** Time between two runs; at least a second. */
  readonly periodMs: number;
}

/** The labels of a node. */
export interface NodeLabels {
  readonly fixed: Readonly<Record<string, string>>;
  readonly commands: readonly CommandLabel[];
}

/** Reads `--labels`, `k=v,k2=[1h:/bin/cmd arg]`; a value in brackets is a command. Throws `bad_parameter`. */
export function parseLabelFlag(spec: string): NodeLabels {
  const fixed: [string, string][] = [];
  const commands: CommandLabel[] = [];
  for (const [name, value] of Object.entries(parseLabels(spec))) {
    checkLabelName(name);
    if (value.length > 5 && value.startsWith("[") && value.endsWith("]")) {
      commands.push(parseCommand(name, value));
    } else {
      fixed.push([name, checkLabelValue(value)]);
    }
  }
  return { fixed: Object.fromEntries(fixed), commands };
}

function parseCommand(name: string, value: string): CommandLabel {
  const match = /^\[([^:]*):(.*)\]$/.exec(value);
  const command = match && splitArguments(match[2]!);
  if (!match || !command || command.length === 0) {
    throw badParameter(`invalid label command '${value}', expected '[period:/path/to/command arguments]'`);
  }
  checkLabelProgram(command[0]!);
  return { name, command, periodMs: parseLabelPeriod(match[1]!.trim()) };
}

/** Splits at spaces, except within double quotes. */
function splitArguments(text: string): string[] {
  return [...text.matchAll(/(?:"[^"]*"|[^\s"])+/g)].map(([word]) => word.replaceAll('"', ""));
}
