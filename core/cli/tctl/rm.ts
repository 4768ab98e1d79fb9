import type { Command } from "commander";
import { badParameter } from "../../errors/error.js";
import { withExamples } from "../program.js";
import { terminalText } from "../terminal-text.js";
import { withAuth, type TctlContext } from "./context.js";
import { removeByName } from "./resource-changes.js";
import { resourceKind } from "./resource-kinds.js";
import { parseReferences } from "./resource-reference.js";

/** `tctl rm <kind/name>` (features.md §2.5). */
export function configure(command: Command): void {
  command
    .argument("<kind/name>", "the resource")
    .action((reference: string, _flags: unknown, command: Command) =>
      withAuth(command, (context) => removeResource(context, reference)),
    );
  withExamples(command, "tctl rm role/dev", "tctl rm user/joe", "tctl rm lock/4c5a7c1e-…");
}

/** Deletes one resource. */
export async function removeResource({ api, print }: TctlContext, reference: string): Promise<void> {
  const [wanted, ...others] = parseReferences(reference);
  if (wanted === undefined || others.length > 0) throw badParameter("name one resource: kind/name");
  const { kind } = resourceKind(wanted.kind);
  if (wanted.name === undefined) {
    throw badParameter(`provide a full resource name to delete, for example: tctl rm ${kind}/name`);
  }
  await removeByName(api, kind, wanted.name);
  await print(`${kind} ${terminalText(wanted.name)} has been deleted\n`);
}
