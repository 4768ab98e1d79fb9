import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { badParameter } from "../errors/error.js";
import type { Address } from "../grammar/address.js";
import type { PositionedEntry, PositionedMap } from "../document/positioned.js";
import type { FileConfig } from "./schema/file.js";
import { EMPTY_MAP } from "./schema/open-map.js";

/** Which plugin a section selects, with the keys that are that plugin's own. */
export interface PluginChoice {
  /** The name behind the kind: `files` selects `tls.files`. */
  readonly type: string;
  readonly settings: PositionedMap;
}

/** Settings of the proxy service. */
export interface ProxySettings {
  /** SSH. */
  readonly listenAddr: Address;
  readonly webListenAddr: Address;
  readonly tunnelListenAddr: Address;
  /** Web addresses that clients are told; the first one leads. */
  readonly publicAddrs: readonly Address[];
  readonly sshPublicAddrs: readonly Address[];
  readonly tunnelPublicAddrs: readonly Address[];
  /** The source of the web certificate; absent where the web listener speaks plain HTTP (`--insecure-no-tls`). */
  readonly tls?: PluginChoice | undefined;
  /** `host:port` patterns (either may hold `*`) of targets that need not be registered nodes. */
  readonly unregisteredTargets: readonly string[];
  /** CIDR ranges whose PROXY protocol headers are believed. */
  readonly proxyProtocolSources: readonly string[];
}

/** Settings of the proxy service from its section. Throws `bad_parameter` where a key file does not exist. */
export function resolveProxy(
  section: FileConfig["proxyService"] = {},
  options: { readonly plainHttp: boolean },
): ProxySettings {
  return {
    listenAddr: section.listenAddr ?? { host: "0.0.0.0", port: 3023 },
    webListenAddr: section.webListenAddr ?? { host: "0.0.0.0", port: 3080 },
    tunnelListenAddr: section.tunnelListenAddr ?? { host: "0.0.0.0", port: 3024 },
    publicAddrs: section.publicAddr ?? [],
    sshPublicAddrs: section.sshPublicAddr ?? [],
    tunnelPublicAddrs: section.tunnelPublicAddr ?? [],
    tls: options.plainHttp ? undefined : tlsSource(section),
    unregisteredTargets: section.unregisteredTargets ?? [],
    proxyProtocolSources: section.proxyProtocolSources ?? ["127.0.0.0/8", "::1/128"],
  };
}

/** `https_key_file` and `https_cert_file` are 4.2's spelling of the settings of `tls: {type: files}`. */
function tlsSource(section: NonNullable<FileConfig["proxyService"]>): PluginChoice {
  const { type = "files", settings = EMPTY_MAP } = section.tls ?? {};
  const { httpsKeyFile, httpsCertFile } = section;
  if (type !== "files" || httpsKeyFile === undefined || httpsCertFile === undefined)
    return { type, settings };
  if (!existsSync(httpsKeyFile)) throw badParameter(`https key does not exist: ${httpsKeyFile}`);
  if (!existsSync(httpsCertFile)) throw badParameter(`https cert does not exist: ${httpsCertFile}`);
  const entries = new Map<string, PositionedEntry>([
    ["key_file", textEntry(resolve(httpsKeyFile), settings)],
    ["cert_file", textEntry(resolve(httpsCertFile), settings)],
    ...settings.entries,
  ]);
  return { type, settings: { ...settings, entries } };
}

function textEntry(text: string, { position }: PositionedMap): PositionedEntry {
  return { keyPosition: position, node: { kind: "scalar", position, value: text, text } };
}
