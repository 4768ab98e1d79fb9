import type { Command } from "commander";
import { formatDuration } from "../../grammar/duration.js";
import type { ProvisionToken, SystemRole } from "../../resources/token.js";
import { rfc822Time } from "../human-time.js";
import { withExamples } from "../program.js";
import { table } from "../table.js";
import { withAuth, type TctlContext } from "./context.js";
import { addFormatFlag, isJson } from "./output-format.js";
import { tokenResource } from "../../resources/token-resource.js";

/** `tctl tokens ls` (features.md §2.3). */
export function configure(command: Command): void {
  command.action((flags: { format: string }, command: Command) =>
    withAuth(command, (context) => listTokens(context, flags.format)),
  );
  addFormatFlag(command);
  withExamples(command, "tctl tokens ls");
}

/** Prints join tokens and invites, those that expire first on top; static ones never do and stand before them. */
export async function listTokens({ api, print, clock }: TctlContext, format: string): Promise<void> {
  const json = isJson(format);
  const tokens = (await api.getTokens()).sort((a, b) => expiryMs(a) - expiryMs(b));
  if (json) return print(JSON.stringify(tokens.map(tokenResource), undefined, 2));
  if (tokens.length === 0) return print("No active tokens found.\n");
  await print(tokenTable(tokens, clock.now()));
}

/** The table of join tokens. */
export function tokenTable(tokens: readonly ProvisionToken[], now: Date): string {
  return table(
    ["Token", "Type", "Expiry Time (UTC)"],
    tokens.map((token) => [token.token, token.roles.map(spoken).join(","), expiryText(token, now)]),
  );
}

/** Milliseconds since 1970; 0 or less means never. */
const expiryMs = ({ expires }: ProvisionToken): number => new Date(expires).getTime();

function expiryText(token: ProvisionToken, now: Date): string {
  const expires = expiryMs(token);
  if (expires <= 0) return "never";
  const leftMs = Math.round((expires - now.getTime()) / 1000) * 1000;
  return `${rfc822Time(new Date(expires))} (${formatDuration(leftMs)})`;
}

function spoken(role: SystemRole): string {
  if (role === "Signup") return "User signup";
  return role === "Trusted_cluster" || role === "Trustedcluster" ? "trusted_cluster" : role;
}
