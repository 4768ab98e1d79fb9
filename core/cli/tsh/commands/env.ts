import type { Command } from "commander";
import { formatAddress } from "../../../grammar/address.js";
import { printToStdout } from "../../output.js";
import { withExamples } from "../../program.js";
import { chosenProfile, noProxy, openState } from "../client.js";
import { readGlobalFlags } from "../global-flags.js";
import { addFormatFlag, formatListing, type ListFormat } from "../list-format.js";
import { shellWord } from "../shell-word.js";
import { loginOf } from "../status-report.js";

/** `tsh env`: variables that keep a shell's commands with the current login, for `eval`. */
export function configure(command: Command): void {
  command
    .option("--unset", "print the commands that remove the variables")
    .action(({ unset, format }: { unset?: true; format: ListFormat }) => {
      if (unset) return printToStdout("unset TELEPORT_PROXY\nunset TELEPORT_CLUSTER\n");
      const variables = currentVariables(command);
      const listing = formatListing(format, {
        text: () =>
          Object.entries(variables)
            .map(([name, value]) => `export ${name}=${shellWord(value)}\n`)
            .join(""),
        data: () => variables,
      });
      return printToStdout(listing);
    });
  addFormatFlag(command, ["text", "json", "yaml"]);
  withExamples(command, "tsh env", 'eval "$(tsh env)"', 'eval "$(tsh env --unset)"');
}

function currentVariables(command: Command): Record<string, string> {
  const state = openState();
  const profile = chosenProfile(readGlobalFlags(command), state.profiles);
  if (profile === undefined) throw noProxy();
  const cluster = profile.cluster || (loginOf(state, profile)?.credentials.rootCluster ?? "");
  return { TELEPORT_PROXY: formatAddress(profile.web), TELEPORT_CLUSTER: cluster };
}
