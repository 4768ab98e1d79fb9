/** The `--proxy` flag: `host`, `host:web`, `host:web,ssh` or `host:,ssh`. */
import { badParameter } from "../../errors/error.js";
import { parseAddress, type Address } from "../../grammar/address.js";

/** Port of the proxy's HTTPS API. */
export const WEB_PORT = 3080;
/** Port of the proxy's SSH service. */
export const SSH_PORT = 3023;

/** A proxy as the command line names it; ports that it leaves out are undefined. */
export interface ProxyFlag {
  readonly host: string;
  readonly webPort: number | undefined;
  readonly sshPort: number | undefined;
}

/** Reads the flag. Throws `bad_parameter`. */
export function parseProxyFlag(text: string): ProxyFlag {
  const [webPart = "", sshPart, ...rest] = text
    .trim()
    .replace(/^https:\/\//, "")
    .replace(/\/$/, "")
    .split(",");
  if (rest.length > 0) throw invalid(text);
  const bare = webPart.replace(/:$/, "");
  const { host, port } = parseAddress(bare, 0);
  return {
    host: host.toLowerCase(),
    webPort: port === 0 ? undefined : port,
    sshPort: sshPart === undefined ? undefined : parsePort(sshPart, text),
  };
}

/** Completes the flag with the default ports. */
export function proxyAddresses(flag: ProxyFlag): { web: Address; ssh: Address } {
  return {
    web: { host: flag.host, port: flag.webPort ?? WEB_PORT },
    ssh: { host: flag.host, port: flag.sshPort ?? SSH_PORT },
  };
}

function parsePort(digits: string, text: string): number {
  const port = Number(digits);
  if (!/^\d{1,5}$/.test(digits) || port === 0 || port > 65535) throw invalid(text);
  return port;
}

function invalid(text: string): Error {
  return badParameter(`invalid --proxy '${text}', expected host, host:web_port or host:web_port,ssh_port`);
}
