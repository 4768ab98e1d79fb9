import type { Command } from "commander";
import { badParameter, hasCode } from "../../errors/error.js";
import { withExamples } from "../program.js";
import { withAuth, type TctlContext } from "./context.js";
import { parseResources, readText, STDIN } from "./resource-file.js";

/** Flags of `tctl create`. */
export interface CreateFlags {
  readonly force?: boolean;
}

/** `tctl create <file>` (features.md §2.5). */
export function configure(command: Command): void {
  command
    .argument("<file>", "file of YAML or JSON documents; - reads standard input")
    .option("-f, --force", "overwrite resources that exist already")
    .action((file: string, flags: CreateFlags, command: Command) =>
      withAuth(command, (context) => createResources(context, file, flags)),
    );
  withExamples(
    command,
    "tctl create role.yaml",
    "tctl create -f role.yaml              # overwrites a role that exists",
    "tctl get role/dev | tctl create -f -",
  );
}

/** Creates the resources of a file in its order; nothing is created where any of them is malformed. */
export async function createResources(
  { api, print }: TctlContext,
  file: string,
  { force = false }: CreateFlags,
): Promise<void> {
  for (const { kind, resource, creation } of parseResources(
    await readText(file),
    file === STDIN ? "standard input" : file,
  )) {
    try {
      const said = await creation.create(api, resource, { overwrite: force });
      await print(`${said}\n`);
    } catch (error) {
      if (!hasCode(error, "already_exists")) throw error;
      throw badParameter(
        `${kind} ${JSON.stringify(resource.metadata.name)} already exists, use -f or --force flag to overwrite`,
        { cause: error },
      );
    }
  }
}
