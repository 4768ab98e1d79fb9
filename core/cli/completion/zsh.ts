import { flattened, type Completable } from "./completable.js";
import { quoted } from "./shell-text.js";

/** A completion script for zsh: `source <(tctl completion zsh)` after compinit. */
export function zshCompletion(program: string, root: Completable): string {
  const commands = flattened(root);
  return `#compdef ${program}
_${program}() {
  local at= flag=$words[CURRENT-1] word
  for word in "\${(@)words[2,CURRENT-1]}"; do
    case "$at $word" in
${childCases(commands)}
    esac
  done
  case "$at \${flag}" in
${valueCases(commands)}
  esac
  local -a candidates
  if [[ $PREFIX == -* ]]; then
    case "$at" in
${commands.map((command) => `      ${where(command)}) candidates=(${flagItems(command)}) ;;`).join("\n")}
    esac
    _describe -o flag candidates
    return
  fi
  case "$at" in
${commands.flatMap(argumentCase).join("\n")}
  esac
  if (( $#candidates )); then _describe argument candidates; else _files; fi
}
compdef _${program} ${program}
`;
}

const where = ({ path }: Completable): string => quoted(path.map((word) => ` ${word}`).join(""));

/** `name:summary`, where a colon in the name is escaped. */
const item = (name: string, summary: string): string => quoted(`${name.replaceAll(":", "\\:")}:${summary}`);

const flagItems = ({ flags }: Completable): string =>
  flags.flatMap(({ names, summary }) => names.map((name) => item(name, summary))).join(" ");

function childCases(commands: readonly Completable[]): string {
  return commands
    .flatMap((parent) => parent.commands.map((child) => ({ parent, child })))
    .map(({ parent, child }) => {
      const above = parent.path.map((word) => ` ${word}`).join("");
      const names = [child.path.at(-1)!, ...child.aliases].map((name) => quoted(`${above} ${name}`));
      return `      ${names.join("|")}) at=${where(child)} ;;`;
    })
    .join("\n");
}

function valueCases(commands: readonly Completable[]): string {
  return commands
    .flatMap((command) =>
      command.flags
        .filter(({ takesValue }) => takesValue)
        .map(({ names, values }) => {
          const path = command.path.map((word) => ` ${word}`).join("");
          const patterns = names.map((name) => quoted(`${path} ${name}`)).join("|");
          const offer = values.length === 0 ? "_files" : `compadd -- ${values.map(quoted).join(" ")}`;
          return `    ${patterns}) ${offer}; return ;;`;
        }),
    )
    .join("\n");
}

function argumentCase(command: Completable): string[] {
  const source = command.arguments;
  const items = command.commands.map(({ path, summary }) => item(path.at(-1)!, summary));
  if (source === undefined && items.length === 0) return [];
  const words =
    source !== undefined && "run" in source
      ? `"\${(@f)$(${source.run} 2>/dev/null)}"`
      : [...items, ...(source ?? []).map(quoted)].join(" ");
  return [`    ${where(command)}) candidates=(${words}) ;;`];
}
