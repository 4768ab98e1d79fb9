import type { Command } from "commander";
import { CodedError } from "../../errors/error.js";
import type { StorageVerification } from "../../resources/storage-status.js";
import { withExamples } from "../program.js";
import { headlessTable, table } from "../table.js";
import { withAuth, type TctlContext } from "./context.js";
import { addFormatFlag, isJson } from "./output-format.js";
import { aboutTheFile, configurationFile } from "./storage-migrate.js";

const POLL_MS = 250;

/** Flags of `tctl storage verify`. */
export interface StorageVerifyFlags {
  readonly against?: string;
  readonly format: string;
}

/** `tctl storage verify`, ours. */
export function configure(command: Command): void {
  command
    .option("--against <file>", "compare with the storage of another complete teleport.yaml")
    .action((flags: StorageVerifyFlags, command: Command) =>
      withAuth(command, (context) => verifyStorage(context, flags)),
    );
  addFormatFlag(command);
  withExamples(
    command,
    "tctl storage verify                                     # during a move also compares with its target",
    "tctl storage verify --against=/etc/teleport-etcd.yaml",
    "tctl storage verify --format=json | jq .digest",
  );
}

/** Has the auth server read its whole storage. Throws `corrupt` where items cannot be read, or differ. */
export async function verifyStorage(
  { api, print, clock }: TctlContext,
  { against, format }: StorageVerifyFlags,
): Promise<void> {
  const asJson = isJson(format);
  const file = against === undefined ? undefined : configurationFile(against);
  let found = await aboutTheFile(api.verifyStorage(file));
  while (!found.done) {
    await clock.sleep(POLL_MS);
    found = await api.getStorageVerification(found.id);
  }
  await print(asJson ? `${JSON.stringify(found, undefined, 2)}\n` : storageVerificationText(found));
  const problem = problemOf(found);
  if (problem !== undefined) throw new CodedError("corrupt", problem);
}

/** The verification as text. */
export function storageVerificationText(found: StorageVerification): string {
  const { backend, against, items, bytes, digest, kinds, damaged, differing } = found;
  return [
    table(
      ["Kind", "Items", "Bytes"],
      kinds.map((kind) => [kind.kind, String(kind.items), String(kind.bytes)]),
    ),
    headlessTable([
      ["Backend", backend],
      ["Items", String(items)],
      ["Bytes", String(bytes)],
      ...(digest === "" ? [] : [["SHA-256", digest]]),
      ...(against === undefined ? [] : [["Against", against]]),
    ]),
    ...(damaged.length > 0
      ? [
          table(
            ["Damaged", "Problem"],
            damaged.map(({ key, problem }) => [key, problem]),
          ),
        ]
      : []),
    ...(differing.length > 0
      ? [
          table(
            ["Differing"],
            differing.map((key) => [key]),
          ),
        ]
      : []),
  ].join("\n");
}

function problemOf({
  error,
  damaged_items: damaged,
  differing_items: differing,
}: StorageVerification): string | undefined {
  if (error !== undefined) return `the storage could not be verified: ${error}`;
  const problems = [
    ...(damaged > 0 ? [`${damaged} items cannot be read`] : []),
    ...(differing > 0 ? [`${differing} items differ`] : []),
  ];
  if (problems.length === 0) return undefined;
  return `${problems.join(" and ")}: keep a backup, and see docs/operations.md`;
}
