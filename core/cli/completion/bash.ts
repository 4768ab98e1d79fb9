import { flattened, type Completable } from "./completable.js";
import { quoted } from "./shell-text.js";

/** A completion script for bash 4 and later: `source <(tctl completion bash)`. */
export function bashCompletion(program: string, root: Completable): string {
  const commands = flattened(root);
  return `# bash completion of ${program}
_${program}() {
  local cur=\${COMP_WORDS[COMP_CWORD]} flag=\${COMP_WORDS[COMP_CWORD - 1]} path= words= word
  # bash splits --flag=value into three words.
  if [[ $cur == = ]]; then cur=
  elif [[ $flag == = ]]; then flag=\${COMP_WORDS[COMP_CWORD - 2]}
  fi
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case "$path $word" in
${childCases(commands)}
    esac
  done
  case "$path $flag" in
${valueCases(commands)}
  esac
  if [[ $cur == -* ]]; then
    case "$path" in
${commands.map((command) => `      ${where(command)}) words=${quoted(flagNames(command))} ;;`).join("\n")}
    esac
  else
    case "$path" in
${commands.flatMap(argumentCase).join("\n")}
    esac
  fi
  COMPREPLY=($(compgen -W "$words" -- "$cur"))
}
complete -o default -F _${program} ${program}
`;
}

const where = ({ path }: Completable): string => quoted(path.map((word) => ` ${word}`).join(""));

const flagNames = ({ flags }: Completable): string => flags.flatMap(({ names }) => names).join(" ");

/** Steps from a command to those below it, by name or alias. */
function childCases(commands: readonly Completable[]): string {
  return commands
    .flatMap((parent) => parent.commands.map((child) => ({ parent, child })))
    .map(({ parent, child }) => {
      const above = parent.path.map((word) => ` ${word}`).join("");
      const names = [child.path.at(-1)!, ...child.aliases].map((name) => quoted(`${above} ${name}`));
      return `      ${names.join(" | ")}) path=${where(child)} ;;`;
    })
    .join("\n");
}

/** After a flag with a value nothing but a value can stand. */
function valueCases(commands: readonly Completable[]): string {
  return commands
    .flatMap((command) =>
      command.flags
        .filter(({ takesValue }) => takesValue)
        .map(({ names, values }) => {
          const path = command.path.map((word) => ` ${word}`).join("");
          const patterns = names.map((name) => quoted(`${path} ${name}`)).join(" | ");
          return `    ${patterns}) COMPREPLY=($(compgen -W ${quoted(values.join(" "))} -- "$cur")); return ;;`;
        }),
    )
    .join("\n");
}

function argumentCase(command: Completable): string[] {
  const source = command.arguments;
  const children = command.commands.flatMap(({ path, aliases }) => [path.at(-1)!, ...aliases]);
  if (source === undefined && children.length === 0) return [];
  const words =
    source !== undefined && "run" in source
      ? `$(${source.run} 2>/dev/null)`
      : quoted([...children, ...(source ?? [])].join(" "));
  return [`      ${where(command)}) words=${words} ;;`];
}
