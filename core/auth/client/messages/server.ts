import { create } from "@bufbuild/protobuf";
import { badParameter } from "../../../errors/error.js";
import type { CommandLabel, Server } from "../../../resources/server.js";
import { ServerV2Schema, type ServerSpecV2, type ServerV2 } from "./gen/services_pb.js";
import { fromEnvelope, toEnvelope } from "./envelope.js";
import { fromRotation, toRotation } from "./rotation.js";
import { fromNanoseconds, toNanoseconds } from "./timestamp.js";

/** A heartbeat as a message. */
export function toServer(server: Server): ServerV2 {
  const { spec } = server;
  const cmdLabels = Object.entries(spec.cmd_labels ?? {}).map(([name, label]) => [
    name,
    { period: toNanoseconds(label.period), command: label.command, result: label.result },
  ]);
  return create(ServerV2Schema, {
    ...toEnvelope(server),
    spec: {
      addr: spec.addr,
      publicAddr: spec.public_addr ?? "",
      publicAddrs: spec.public_addrs ?? [],
      hostname: spec.hostname,
      cmdLabels: Object.fromEntries(cmdLabels) as ServerSpecV2["cmdLabels"],
      rotation: toRotation(spec.rotation),
      useTunnel: spec.use_tunnel ?? false,
    },
  });
}

/** A heartbeat from a message. Throws `bad_parameter` for what is no server. */
export function fromServer(message: ServerV2): Server {
  const { kind, spec } = message;
  if (kind !== "node" && kind !== "proxy" && kind !== "auth_server") {
    throw badParameter(`'${kind}' is no kind of server`);
  }
  const labels = Object.entries(spec?.cmdLabels ?? {}).map(([name, label]): [string, CommandLabel] => [
    name,
    { period: fromNanoseconds(label.period), command: label.command, result: label.result },
  ]);
  return {
    ...fromEnvelope(message, kind),
    spec: {
      addr: spec?.addr ?? "",
      ...(spec?.publicAddr && { public_addr: spec.publicAddr }),
      ...(spec && spec.publicAddrs.length > 0 && { public_addrs: [...spec.publicAddrs] }),
      hostname: spec?.hostname ?? "",
      ...(labels.length > 0 && { cmd_labels: Object.fromEntries(labels) }),
      ...(spec?.rotation && { rotation: fromRotation(spec.rotation) }),
      ...(spec?.useTunnel && { use_tunnel: true }),
    },
  };
}
