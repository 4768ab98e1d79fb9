import type { Command } from "commander";
import { withExamples } from "../program.js";
import { withAuth, type TctlContext } from "./context.js";

/** `tctl storage abort`, ours. */
export function configure(command: Command): void {
  command.action((_flags: unknown, command: Command) => withAuth(command, abortStorageMove));
  withExamples(command, "tctl storage abort");
}

/** Ends the move that is under way. Throws `bad_parameter` where there is none to end. */
export async function abortStorageMove({ api, print }: TctlContext): Promise<void> {
  await api.abortStorageMove();
  await print("The move is being rolled back: the cluster stays where it is. See tctl storage status.\n");
}
