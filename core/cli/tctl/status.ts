import type { Command } from "commander";
import { parseDuration } from "../../grammar/duration.js";
import { caPin } from "../../pki/ca-pin.js";
import type { CertAuthority, Rotation } from "../../resources/authority.js";
import { statusTime } from "../human-time.js";
import { withExamples } from "../program.js";
import { headlessTable } from "../table.js";
import { withAuth, type TctlContext } from "./context.js";

const PHASES: Readonly<Record<string, string>> = {
  init: "initialized",
  update_clients: "rotating clients",
  update_servers: "rotating servers",
  rollback: "rolling back",
  standby: "on standby",
};

/** `tctl status` (features.md §2.6). */
export function configure(command: Command): void {
  command.action((_flags: unknown, command: Command) => withAuth(command, showStatus));
  withExamples(
    command,
    "tctl status",
    "tctl status -d    # with the schedule of a rotation, and other clusters",
  );
}

/** Prints the cluster's name, version, authorities and CA pin. */
export async function showStatus({ api, print, debug }: TctlContext): Promise<void> {
  const { clusterName, serverVersion } = await api.ping();
  const authorities = [...(await api.getCertAuthorities("user")), ...(await api.getCertAuthorities("host"))];
  const row = (title: string, { spec }: CertAuthority): string[] => [
    title,
    debug ? withSchedule(spec.rotation) : rotationText(spec.rotation),
  ];
  const local = authorities.filter(({ spec }) => spec.cluster_name === clusterName);
  const remote = authorities.filter(({ spec }) => spec.cluster_name !== clusterName);
  await print(
    headlessTable([
      ["Cluster", clusterName],
      ["Version", serverVersion],
      ...local.map((authority) => row(`${titled(authority)} CA `, authority)),
      ["CA pin", pinOf(local)],
    ]),
  );
  if (!debug || remote.length === 0) return;
  const rows = remote.map((authority) =>
    row(`Remote ${titled(authority)} CA ${JSON.stringify(authority.spec.cluster_name)}`, authority),
  );
  await print(`Remote clusters\n\n${headlessTable(rows)}`);
}

const titled = ({ spec }: CertAuthority): string => (spec.type === "host" ? "Host" : "User");

function pinOf(authorities: readonly CertAuthority[]): string {
  const host = authorities.find(({ spec }) => spec.type === "host");
  const certificate = host?.spec.tls_key_pairs?.[0]?.cert;
  return certificate ? caPin(Buffer.from(certificate, "base64").toString()) : "";
}

function rotationText(rotation: Rotation | undefined): string {
  if (rotation?.state === "in_progress") {
    const started = new Date(rotation.started);
    const ending = new Date(started.getTime() + parseDuration(rotation.grace_period ?? "0s"));
    const phase = PHASES[rotation.phase ?? ""] ?? rotation.phase ?? "";
    return `${phase} (mode: ${rotation.mode ?? ""}, started: ${statusTime(started)}, ending: ${statusTime(ending)})`;
  }
  const last = new Date(rotation?.last_rotated ?? 0);
  return last.getTime() <= 0 ? "never updated" : `rotated ${statusTime(last)}`;
}

function withSchedule(rotation: Rotation | undefined): string {
  const text = rotationText(rotation);
  if (!rotation) return text;
  const { update_servers: servers, standby } = rotation.schedule;
  return `${text}, update_servers: ${statusTime(new Date(servers))}, complete: ${statusTime(new Date(standby))}`;
}
