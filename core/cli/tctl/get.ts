import type { Command } from "commander";
import { badParameter } from "../../errors/error.js";
import { withExamples } from "../program.js";
import { withAuth, type TctlContext } from "./context.js";
import { BACKUP_WARNING, readBackup } from "./backup.js";
import { resourceKind, type AnyResource, type ResourceKind } from "./resource-kinds.js";
import { parseReferences } from "./resource-reference.js";

/** Flags of `tctl get`. */
export interface GetFlags {
  readonly format: string;
  readonly withSecrets?: boolean;
  readonly namespace: string;
}

/** `tctl get <refs>` (features.md §2.5). */
export function configure(command: Command): void {
  command
    .argument("<refs>", "kinds, or kind/name, comma separated; or all")
    .option("--format <format>", "yaml, json or text", "yaml")
    .option("--with-secrets", "print private keys and password hashes, too; keep them secret")
    .option("--namespace <name>", "namespace of nodes", "default")
    .action((refs: string, flags: GetFlags, command: Command) =>
      withAuth(command, (context) => getResources(context, refs, flags)),
    );
  withExamples(
    command,
    "tctl get users",
    "tctl get user/joe --format=json",
    "tctl get roles,nodes",
    "tctl get cas --format=text",
    "(umask 077; tctl get all --with-secrets > backup.yaml)    # the whole cluster, with its private keys",
  );
}

/** Prints the resources that the references name. */
export async function getResources(
  { api, print, clock }: TctlContext,
  refs: string,
  flags: GetFlags,
): Promise<void> {
  const { format, namespace } = flags;
  if (!["yaml", "json", "text"].includes(format))
    throw badParameter(`unsupported format "${format}", use yaml, json or text`);
  if (refs === "all") {
    if (format !== "yaml") throw badParameter("mixed resource types only support YAML formatting");
    const { yamlDocuments } = await import("./yaml-documents.js");
    await print(BACKUP_WARNING + yamlDocuments(await readBackup(api)));
    return;
  }
  const withSecrets = flags.withSecrets ?? false;
  const selected = parseReferences(refs).map(({ kind, name }) => ({ kind: resourceKind(kind), name }));
  const first = selected[0]!.kind;
  if (format !== "yaml" && selected.some(({ kind }) => kind !== first)) {
    throw badParameter("mixed resource types only support YAML formatting");
  }

  const resources: AnyResource[] = [];
  for (const { kind, name } of selected) {
    resources.push(...(await kind.read(api, { name, withSecrets, namespace })));
  }
  await print(await rendered(resources, format, first, clock.now()));
}

async function rendered(
  resources: readonly AnyResource[],
  format: string,
  kind: ResourceKind,
  now: Date,
): Promise<string> {
  if (format === "text") return kind.text(resources, now);
  if (format === "json")
    return JSON.stringify(resources.length === 1 ? resources[0] : resources, undefined, 4);
  const { yamlDocuments } = await import("./yaml-documents.js");
  return yamlDocuments(resources);
}
