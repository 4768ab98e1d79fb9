/** The flags that every command of tsh takes (features.md §3.1), merged with their environment variables. */
import { type Command, Option } from "commander";
import { badParameter } from "../../errors/error.js";

/** The global flags of one call. Absent means: take it from the profile. */
export interface GlobalFlags {
  readonly login?: string;
  /** As given: `host`, `host:web`, `host:web,ssh` or `host:,ssh`. */
  readonly proxy?: string;
  readonly user?: string;
  readonly ttlMs: number;
  /** Path of an identity file, which replaces profile, keys and agent. */
  readonly identity?: string;
  readonly certFormat?: "standard" | "oldssh";
  readonly insecure: boolean;
  /** Name of the login connector. */
  readonly auth?: string;
  readonly skipVersionCheck: boolean;
  /** `[user@]host:port`, takes the place of the proxy. */
  readonly jumphost?: string;
  /** What a login does with the user's SSH agent. */
  readonly agent: AgentPolicy;
  /** From the environment; a command's own `--cluster` goes before it. */
  readonly cluster?: string;
}

/**
 * `auto` adds logins to an agent where one answers, `always` fails where none does, `no` leaves the agent alone, and
 * `only` keeps the key nowhere else.
 */
export type AgentPolicy = "auto" | "always" | "no" | "only";

const DEFAULT_TTL_MINUTES = 720;
const MS_PER_MINUTE = 60_000;

/** Adds the flags to a command. */
export function addGlobalFlags(command: Command): void {
  command
    .option("-l, --login <login>", "remote login (TELEPORT_LOGIN)")
    .option("--proxy <address>", "address of the proxy: host[:web port][,ssh port] (TELEPORT_PROXY)")
    .option("--user <name>", "user to log in as (TELEPORT_USER)")
    .option("--ttl <minutes>", `minutes the login lives (default: ${DEFAULT_TTL_MINUTES})`)
    .option("-i, --identity <file>", "identity file, in place of a login")
    .option("--cert-format <format>", "format of the SSH certificate: standard or oldssh")
    .addOption(new Option("--compat <format>").hideHelp())
    .option("--insecure", "do not verify the proxy's web certificate")
    .option("--auth <name>", "login connector (TELEPORT_AUTH)")
    .option("--skip-version-check", "log in even if the proxy asks for a newer tsh")
    .option("-J, --jumphost <address>", "SSH jump host in place of the proxy: [user@]host:port", listed)
    .option("-k, --add-keys-to-agent <when>", "auto, always, no or only (TELEPORT_ADD_KEYS_TO_AGENT)")
    .option("--no-use-local-ssh-agent", "leave the SSH agent alone (TELEPORT_USE_LOCAL_SSH_AGENT)")
    .addOption(new Option("--use-local-ssh-agent", "use the SSH agent").hideHelp())
    .addOption(new Option("--namespace <name>").hideHelp());
  // On commands with an `-o` of their own, the short flag is theirs.
  if (command.name() === "tsh") {
    command.addOption(new Option("-o, --option <option>").hideHelp().argParser(refuseOption));
  }
}

/** All values of a flag that is given again, so that one too many is seen. */
function listed(value: string, before: string | undefined): string {
  return before === undefined ? value : `${before},${value}`;
}

function refuseOption(): never {
  throw badParameter("invalid flag, perhaps you want to use this flag as tsh ssh -o?");
}

/** Reads the flags, given before or after the command's name. Throws `bad_parameter`. */
export function readGlobalFlags(command: Command, env: NodeJS.ProcessEnv = process.env): GlobalFlags {
  const optionOf = (name: string): unknown => {
    for (let at: Command | null = command; at !== null; at = at.parent) {
      if (at.getOptionValueSource(name) === "cli") return at.getOptionValue(name);
    }
    return undefined;
  };
  const text = (name: string, ...variables: string[]): string | undefined => {
    const flag = optionOf(name) as string | undefined;
    return flag ?? variables.map((variable) => env[variable]).find((value) => value);
  };
  const given = (name: string): boolean => text(name) !== undefined;
  const optional = <K extends string>(key: K, value: string | undefined): { [P in K]?: string } =>
    value === undefined ? {} : ({ [key]: value } as { [P in K]?: string });

  return {
    ...optional("login", text("login", "TELEPORT_LOGIN")),
    ...optional("proxy", text("proxy", "TELEPORT_PROXY")),
    ...optional("user", text("user", "TELEPORT_USER")),
    ...optional("identity", text("identity")),
    ...optional("auth", text("auth", "TELEPORT_AUTH")),
    ...optional("jumphost", checkJumphost(text("jumphost"))),
    ...optional("cluster", text("cluster", "TELEPORT_CLUSTER", "TELEPORT_SITE")),
    ...certFormat(text("certFormat"), text("compat")),
    agent: readAgentPolicy(
      text("addKeysToAgent", "TELEPORT_ADD_KEYS_TO_AGENT"),
      optionOf("useLocalSshAgent") === false || NO.has(env["TELEPORT_USE_LOCAL_SSH_AGENT"] ?? ""),
    ),
    ttlMs: readTtl(text("ttl")),
    insecure: given("insecure"),
    skipVersionCheck: given("skipVersionCheck"),
  };
}

/** How scripts say no in `TELEPORT_USE_LOCAL_SSH_AGENT`. */
const NO: ReadonlySet<string> = new Set(["false", "no", "0"]);

function readAgentPolicy(when: string | undefined, leaveAlone: boolean): AgentPolicy {
  switch (when) {
    case undefined:
    case "auto":
      return leaveAlone ? "no" : "auto";
    case "always":
    case "yes":
      return "always";
    case "no":
    case "only":
      return when;
    default:
      throw badParameter(`invalid --add-keys-to-agent '${when}', use auto, always, no or only`);
  }
}

function certFormat(format: string | undefined, compat: string | undefined): Pick<GlobalFlags, "certFormat"> {
  if (format !== undefined && compat !== undefined) {
    throw badParameter("--compat or --cert-format must be specified");
  }
  const value = format ?? compat;
  if (value === undefined) return {};
  if (value !== "standard" && value !== "oldssh") {
    throw badParameter(`invalid certificate format '${value}', use standard or oldssh`);
  }
  return { certFormat: value };
}

function readTtl(text: string | undefined): number {
  if (text === undefined) return DEFAULT_TTL_MINUTES * MS_PER_MINUTE;
  if (!/^[1-9]\d{0,8}$/.test(text))
    throw badParameter(`invalid --ttl '${text}', expected a number of minutes`);
  return Number(text) * MS_PER_MINUTE;
}

function checkJumphost(text: string | undefined): string | undefined {
  const count = text?.split(",").length ?? 0;
  if (count > 1) throw badParameter(`only one jump host is supported, got ${count}`);
  return text;
}
