import { Argument, Command } from "commander";
import { printToStdout } from "../output.js";
import type { ArgumentSource, Completable } from "./completable.js";

type Writer = (program: string, root: Completable) => string;

const WRITERS: Readonly<Record<string, () => Promise<Writer>>> = {
  bash: async () => (await import("./bash.js")).bashCompletion,
  zsh: async () => (await import("./zsh.js")).zshCompletion,
  fish: async () => (await import("./fish.js")).fishCompletion,
};

/** The shells that completion is written for. */
export const SHELLS: readonly string[] = Object.keys(WRITERS);

/** What the command needs of the frame that it is part of. */
export interface CompletionSource {
  /** Loads the modules of all commands, so that their flags are known. */
  loadAll(): Promise<void>;
  argumentsOf(command: Command): ArgumentSource | undefined;
}

/** `completion <shell>`: a script that makes the shell complete commands, flags and names. */
export function completionCommand(program: Command, source: CompletionSource): Command {
  return new Command("completion")
    .description("print a script for completion in bash, zsh or fish")
    .addArgument(new Argument("<shell>").choices(SHELLS))
    .action(async (shell: string) => {
      await source.loadAll();
      const { completable } = await import("./completable.js");
      const write = await WRITERS[shell]!();
      await printToStdout(
        write(
          program.name(),
          completable(program, (child) => source.argumentsOf(child)),
        ),
      );
    });
}

/** How a user switches it on. */
export function completionExamples(program: string): string[] {
  return [
    `source <(${program} completion bash)         # in ~/.bashrc`,
    `source <(${program} completion zsh)          # in ~/.zshrc, after compinit`,
    `${program} completion fish | source          # in ~/.config/fish/config.fish`,
  ];
}
