/** The OpenSSH configuration through which stock ssh reaches nodes (`tsh config`). */
import { formatAddress } from "../../grammar/address.js";
import { badParameter } from "../../errors/error.js";
import type { Profile } from "./profile.js";
import { shellWord } from "./shell-word.js";

/** What the configuration is made of. Paths are absolute. */
export interface OpenSshConfig {
  readonly profile: Profile;
  readonly clusters: readonly string[];
  readonly knownHosts: string;
  readonly key: string;
  readonly certificate: string;
  /** How to run this program. */
  readonly tsh: string;
  /** The folder of logins, where it is not the usual one. */
  readonly home: string | undefined;
}

/**
 * The configuration's text: a block for the nodes of each cluster, as `<node>.<cluster>`. It names no port: 22, which
 * ssh then asks for, means whatever port a node is registered with. Throws `bad_parameter` for a cluster whose name could
 * be taken for configuration.
 */
export function opensshConfig(config: OpenSshConfig): string {
  const { profile, clusters } = config;
  const name = `Teleport configuration for ${profile.web.host}`;
  return [
    `# Begin generated ${name} from \`tsh config\``,
    ...clusters.map((cluster) => block(config, cluster)),
    `# End generated ${name}`,
    "",
  ].join("\n");
}

function block(config: OpenSshConfig, cluster: string): string {
  const { profile, knownHosts, key, certificate } = config;
  if (!/^[\w.-]+$/.test(cluster)) {
    throw badParameter(
      `the name of the cluster ${JSON.stringify(cluster)} cannot stand in a configuration of ssh`,
    );
  }
  const flags = [
    `--cluster=${shellWord(cluster)}`,
    `--proxy=${shellWord(formatAddress(profile.web))}`,
    `--user=${shellWord(profile.user)}`,
  ].join(" ");
  const home = config.home === undefined ? "" : `env TELEPORT_HOME=${shellWord(config.home)} `;
  const command = `${home}${shellWord(config.tsh)} proxy ssh ${flags}`.replaceAll("%", "%%");
  return [
    "",
    `Host *.${cluster}`,
    `    UserKnownHostsFile ${quoted(knownHosts)}`,
    `    IdentityFile ${quoted(key)}`,
    `    CertificateFile ${quoted(certificate)}`,
    "    IdentitiesOnly yes",
    `    ProxyCommand ${command} %r@%h:%p`,
    "",
  ].join("\n");
}

/** A path in ssh_config(5): `%` begins a token there. */
function quoted(path: string): string {
  return `"${path.replaceAll("%", "%%")}"`;
}
