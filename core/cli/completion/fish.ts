import { flattened, type Completable, type CompletableFlag } from "./completable.js";
import { quoted } from "./shell-text.js";

/** A completion script for fish: `tctl completion fish | source`. */
export function fishCompletion(program: string, root: Completable): string {
  const commands = flattened(root);
  return `# fish completion of ${program}
function __${program}_at
  set -l at
  for word in (commandline -opc)[2..-1]
    switch "$at $word"
${childCases(commands)}
    end
  end
  test "$at" = "$argv[1]"
end
${commands.flatMap((command) => linesOf(program, command)).join("\n")}
`;
}

const pathText = ({ path }: Completable): string => path.map((word) => ` ${word}`).join("");

function childCases(commands: readonly Completable[]): string {
  return commands
    .flatMap((parent) => parent.commands.map((child) => ({ parent, child })))
    .map(({ parent, child }) => {
      const names = [child.path.at(-1)!, ...child.aliases].map((name) =>
        quoted(`${pathText(parent)} ${name}`),
      );
      return `      case ${names.join(" ")}\n        set at ${quoted(pathText(child))}`;
    })
    .join("\n");
}

function linesOf(program: string, command: Completable): string[] {
  const complete = `complete -c ${program} -n ${quoted(`__${program}_at "${pathText(command)}"`)}`;
  const source = command.arguments;
  const words = source === undefined || "run" in source ? [] : source;
  return [
    ...command.commands.map(
      (child) => `${complete} -f -a ${quoted(child.path.at(-1)!)} -d ${quoted(child.summary)}`,
    ),
    ...(words.length === 0 ? [] : [`${complete} -f -a ${quoted(words.join(" "))}`]),
    ...(source !== undefined && "run" in source
      ? [`${complete} -f -a ${quoted(`(${source.run} 2>/dev/null)`)}`]
      : []),
    ...command.flags.map((flag) => `${complete} ${flagText(flag)}`),
  ];
}

function flagText({ names, summary, takesValue, values }: CompletableFlag): string {
  const switches = names.map((name) =>
    name.startsWith("--") ? `-l ${name.slice(2)}` : `-s ${name.slice(1)}`,
  );
  const value = takesValue ? ["-r"] : [];
  const choices = values.length === 0 ? [] : [`-f -a ${quoted(values.join(" "))}`];
  return [...switches, ...value, ...choices, `-d ${quoted(summary)}`].join(" ");
}
