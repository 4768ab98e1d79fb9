import { z } from "zod";
import { badParameter } from "../../errors/error.js";
import { parseDuration } from "../../grammar/duration.js";
import { address, boolean, count, parsed, publicAddresses, text } from "./field.js";
import { openMap } from "./open-map.js";
import { entry, section } from "./section.js";

/** The shortest time between two runs of a label command. */
export const MIN_LABEL_PERIOD_MS = 1000;

/** Reads how often a label command runs, in milliseconds. Throws `bad_parameter`. */
export function parseLabelPeriod(text: string): number {
  const ms = parseDuration(text);
  if (ms < MIN_LABEL_PERIOD_MS) throw badParameter(`label command period '${text}' must be at least 1s`);
  return ms;
}

const labelName = parsed((name) => {
  if (!/^[a-zA-Z/.0-9_*-]+$/.test(name)) {
    throw new Error(`invalid label name '${name}', it may hold letters, digits and / . _ * - only`);
  }
  return name;
});

/** A label whose value is the output of a command. */
export const labelCommand = entry({
  name: labelName,
  command: z.array(text).min(1),
  period: parsed(parseLabelPeriod).default(MIN_LABEL_PERIOD_MS),
});

/** `ssh_service:`, the SSH server of this host. */
export const sshServiceSection = section({
  enabled: boolean,
  listen_addr: address(3022),
  public_addr: publicAddresses(3022),
  namespace: text,
  labels: z.record(
    labelName,
    z.preprocess((value) => value ?? "", text),
  ),
  commands: z.array(labelCommand),
  permit_user_env: boolean,
  pam: section({
    enabled: boolean,
    service_name: text,
    use_pam_auth: boolean,
    environment: z.record(z.string(), text),
  }),
  enhanced_recording: section({
    enabled: boolean,
    command_buffer_size: count,
    disk_buffer_size: count,
    network_buffer_size: count,
    cgroup_path: text,
  }),
  port_forwarding: boolean,
  x11: section({ enabled: boolean, display_offset: count, max_display: count }),
  restricted_session: openMap,
});
