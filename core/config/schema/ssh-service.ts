import { isAbsolute } from "node:path";
import { z } from "zod";
import { badParameter, errorMessage } from "../../errors/error.js";
import { parseDuration } from "../../grammar/duration.js";
import { checkLabelName, checkLabelValue } from "../../grammar/labels.js";
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

/** Checks the program of a label command and returns it. Throws `bad_parameter`. */
export function checkLabelProgram(program: string): string {
  if (isAbsolute(program) || /^[^/]+$/.test(program)) return program;
  throw badParameter(
    `invalid label program '${program}', expected an absolute path or the name of one of the system's programs`,
  );
}

const labelName = parsed(checkLabelName);

/** A label whose value is the output of a command. */
export const labelCommand = entry({
  name: labelName,
  command: z.array(text).min(1).superRefine(checkProgram),
  period: parsed(parseLabelPeriod).default(MIN_LABEL_PERIOD_MS),
});

/** Number of an X11 display, whose TCP port is 6000 more. */
const displayNumber = count.max(65_535 - 6_000);

/** `ssh_service:`, the SSH server of this host. */
export const sshServiceSection = section({
  enabled: boolean,
  listen_addr: address(3022),
  public_addr: publicAddresses(3022),
  namespace: text,
  labels: z.record(
    labelName,
    z.preprocess((value) => value ?? "", parsed(checkLabelValue)),
  ),
  commands: z.array(labelCommand).superRefine(refuseSecondOfName),
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
  x11: section({ enabled: boolean, display_offset: displayNumber, max_display: displayNumber }),
  restricted_session: openMap,
});

function checkProgram([program]: readonly string[], context: z.RefinementCtx): void {
  if (program === undefined) return;
  try {
    checkLabelProgram(program);
  } catch (error) {
    context.addIssue({ code: "custom", path: [0], message: errorMessage(error) });
  }
}

/** Labels are a map: of two commands one would silently have no effect. */
function refuseSecondOfName(labels: readonly { readonly name: string }[], context: z.RefinementCtx): void {
  for (const [i, { name }] of labels.entries()) {
    if (labels.findIndex((other) => other.name === name) < i) {
      context.addIssue({
        code: "custom",
        path: [i, "name"],
        message: `the label command '${name}' is given twice`,
      });
    }
  }
}
