import type { Command } from "commander";
import type { StorageMember, StorageMove, StorageStatus } from "../../resources/storage-status.js";
import { withExamples } from "../program.js";
import { headlessTable, table } from "../table.js";
import { withAuth, type TctlContext } from "./context.js";
import { addFormatFlag, isJson } from "./output-format.js";

/** `tctl storage status`, ours. */
export function configure(command: Command): void {
  command.action((flags: { readonly format: string }, command: Command) =>
    withAuth(command, (context) => showStorageStatus(context, flags)),
  );
  addFormatFlag(command);
  withExamples(
    command,
    "tctl storage status",
    "tctl storage status --format=json | jq .move    # the move that is under way, or the last one",
  );
}

/** Prints where the cluster is kept, and what moves. */
export async function showStorageStatus(
  { api, print }: TctlContext,
  { format }: { readonly format: string },
): Promise<void> {
  const asJson = isJson(format);
  const status = await api.getStorageStatus();
  await print(asJson ? `${JSON.stringify(status, undefined, 2)}\n` : storageStatusText(status));
}

/** The status as text. */
export function storageStatusText(status: StorageStatus): string {
  const { backend, settings, epoch, since, edit, members, move, server } = status;
  return [
    headlessTable([
      ["Backend", backend],
      ["Settings", settings],
      ["Moves so far", String(epoch)],
      ...(since === undefined ? [] : [["There since", since]]),
      ["teleport.yaml", edit === undefined ? `agrees on ${server}` : `differs on ${server}: ${edit}`],
    ]),
    table(["Auth server", "Host ID", "Alive", "Follows"], members.map(memberRow)),
    move ? headlessTable(moveRows(move)) : "The cluster is not being moved.\n",
  ].join("\n");
}

/** What came of a move, in one sentence. */
export function movedText({ report, target }: StorageMove): string {
  if (!report) return `The cluster has moved to ${target}.`;
  const { items, bytes, pause_ms, total_ms } = report;
  return `The cluster has moved to ${target}: ${items} items, ${bytes} bytes in ${total_ms} ms; writes waited for ${pause_ms} ms.`;
}

function memberRow({ id, name, alive, follows, problem }: StorageMember): string[] {
  return [name, id, alive ? "yes" : "no", problem ?? follows ?? ""];
}

function moveRows(move: StorageMove): string[][] {
  const { id, phase, target, leader, started_at, changed_at, copied, reason, report } = move;
  return [
    ["Move", id],
    ["To", target],
    ["Phase", `${phase} since ${changed_at}`],
    ["Led by", `${leader} since ${started_at}`],
    ["Copied", `${copied} items`],
    ...(reason === undefined ? [] : [["Reason", reason]]),
    ...(report ? [["Result", movedText(move)]] : []),
  ];
}
