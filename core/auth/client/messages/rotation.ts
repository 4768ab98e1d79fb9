import type { MessageInitShape } from "@bufbuild/protobuf";
import type { Rotation } from "../../../resources/authority.js";
import type { Rotation as RotationMessage, RotationSchema } from "./gen/services_pb.js";
import { fromNanoseconds, fromTimestamp, toNanoseconds, toTimestamp } from "./timestamp.js";

/** The state of a CA rotation for a message; 4.2 sends every time of it, also without a rotation. */
export function toRotation(rotation: Rotation | undefined): MessageInitShape<typeof RotationSchema> {
  return {
    state: rotation?.state ?? "",
    phase: rotation?.phase ?? "",
    mode: rotation?.mode ?? "",
    currentId: rotation?.current_id ?? "",
    started: toTimestamp(rotation?.started),
    gracePeriod: toNanoseconds(rotation?.grace_period),
    lastRotated: toTimestamp(rotation?.last_rotated),
    schedule: {
      updateClients: toTimestamp(rotation?.schedule.update_clients),
      updateServers: toTimestamp(rotation?.schedule.update_servers),
      standby: toTimestamp(rotation?.schedule.standby),
    },
  };
}

/** The state of a CA rotation from a message. */
export function fromRotation(message: RotationMessage): Rotation {
  return {
    ...(message.state && { state: message.state }),
    ...(message.phase && { phase: message.phase }),
    ...(message.mode && { mode: message.mode }),
    current_id: message.currentId,
    started: fromTimestamp(message.started),
    ...(message.gracePeriod !== 0n && { grace_period: fromNanoseconds(message.gracePeriod) }),
    last_rotated: fromTimestamp(message.lastRotated),
    schedule: {
      update_clients: fromTimestamp(message.schedule?.updateClients),
      update_servers: fromTimestamp(message.schedule?.updateServers),
      standby: fromTimestamp(message.schedule?.standby),
    },
  };
}
