/** What the daemon runs with: built-in defaults, overridden by teleport.yaml, overridden by flags. */

import { isIP } from "node:net";
import { dirname, resolve } from "node:path";
import { badParameter } from "../errors/error.js";
import { parseAddress } from "../grammar/address.js";
import type { Address } from "../grammar/address.js";
import { checkHostName } from "../grammar/host-name.js";
import { resolveAuth } from "./auth-settings.js";
import type { AuthSettings } from "./auth-settings.js";
import { enabledRoles } from "./enabled-roles.js";
import type { StartFlags } from "./flags.js";
import { resolveNode } from "./node-settings.js";
import type { NodeSettings } from "./node-settings.js";
import type { PositionedMap } from "../document/positioned.js";
import { resolveProxy } from "./proxy-settings.js";
import type { PluginChoice, ProxySettings } from "./proxy-settings.js";
import { parseAdvertisedAddress } from "./schema/advertise.js";
import type { AdvertisedAddress } from "./schema/advertise.js";
import type { FileConfig } from "./schema/file.js";
import type { LogOutput, LogSeverity } from "./schema/log.js";
import { EMPTY_MAP } from "./schema/open-map.js";
import { parseCaPin } from "./schema/teleport.js";
import { readToken } from "./token-value.js";

/** Where state, audit events and recordings are kept. */
export interface StorageSettings extends PluginChoice {
  readonly auditEventsUris: readonly URL[];
  readonly auditSessionsUri?: URL | undefined;
  /** A cloud region, for the backend and for audit sinks and recording stores alike. */
  readonly region?: string | undefined;
  /** An operation that takes longer is logged; 0 logs none. */
  readonly slowOperationThresholdMs: number;
}

/** Keys of `storage` that are not the backend's alone; a backend that does not know one need not take it. */
export const SHARED_STORAGE_KEYS: readonly string[] = ["region"];

/** How often one client may call: `average` times per period, `burst` times at once. */
export interface RateLimit {
  readonly periodMs: number;
  readonly average: number;
  readonly burst: number;
}

/** Everything the daemon runs with. A service that is not enabled has no settings. */
export interface Settings {
  /** teleport.yaml as the user named it; absent without one. */
  readonly fileName?: string | undefined;
  /** The folder that relative plugin paths start from. */
  readonly configDir: string;
  readonly nodename: string;
  /** Absolute. */
  readonly dataDir: string;
  readonly pidFile?: string | undefined;
  /** Addresses of auth services, the one of this process included. */
  readonly authServers: readonly Address[];
  /** Gives the join token, which it reads now where a file is named. Absent without a token. */
  readonly readAuthToken?: (() => string) | undefined;
  readonly caPins: readonly string[];
  readonly advertiseAddr?: AdvertisedAddress | undefined;
  readonly connectionLimits: {
    /** Per source address and service. */
    readonly maxConnections: number;
    /** Size of the table of rate limits. */
    readonly maxUsers: number;
    readonly rates: readonly RateLimit[];
  };
  readonly log: {
    /** `stderr`, `stdout`, or the absolute path of a file. */
    readonly output: string;
    readonly severity: LogSeverity;
    readonly format: "text" | "json";
  };
  readonly debug: boolean;
  /** Certificates between components are not verified. */
  readonly insecure: boolean;
  readonly diagAddr?: Address | undefined;
  /** Absent lists take the defaults of the SSH and TLS layers. */
  readonly ciphers?: readonly string[] | undefined;
  readonly kexAlgorithms?: readonly string[] | undefined;
  readonly macAlgorithms?: readonly string[] | undefined;
  /** OpenSSL's names. */
  readonly tlsCipherSuites?: readonly string[] | undefined;
  readonly compatibility?: "4.2" | undefined;
  /** How long old sessions may outlive a reload; 0 means without limit. */
  readonly drainTimeoutMs: number;
  readonly auditPolicy: "strict" | "best_effort";
  /** Third-party plugins: paths relative to {@link configDir}, or npm names. */
  readonly plugins: readonly string[];
  /** Settings of plugins that are chosen by URI, by plugin id. */
  readonly pluginConfig: Readonly<Record<string, PositionedMap>>;
  readonly storage: StorageSettings;
  readonly auth?: AuthSettings | undefined;
  readonly proxy?: ProxySettings | undefined;
  readonly node?: NodeSettings | undefined;
  /** What should be logged as WARN before anything else. */
  readonly warnings: readonly string[];
}

const DEFAULT_SLOW_OPERATION_MS = 1000;
const DEFAULT_DATA_DIR = "/var/lib/teleport";
const DEFAULT_DRAIN_TIMEOUT_MS = 24 * 3600_000;

/** Merges defaults, file and flags. Throws `bad_parameter` with the texts of 4.2. */
export function resolveSettings(
  file: FileConfig | undefined,
  flags: StartFlags,
  host: { readonly hostname: string },
): Settings {
  if (flags.fips) throw badParameter("FIPS mode is not available in this build, start without --fips");
  const global = file?.teleport ?? {};
  const nodename =
    (flags.nodename && checkHostName(flags.nodename, "--nodename")) ||
    (global.nodename ?? checkHostName(host.hostname, "this host needs a nodename: its hostname"));
  const { roles, warnings } = enabledRoles(file, flags);
  if (flags.insecure) {
    warnings.push("--insecure: certificates of other components are not verified, use it for tests only");
  }
  const listen = listenOn(flags.listenIp);
  const auth = roles.has("auth")
    ? listen(resolveAuth(file?.authService, { nodename, bootstrapFile: flags.bootstrap }))
    : undefined;
  const token = flags.token ?? global.authToken;
  return {
    fileName: file?.fileName,
    configDir: file ? dirname(resolve(file.fileName)) : process.cwd(),
    nodename,
    dataDir: resolve(global.dataDir ?? DEFAULT_DATA_DIR),
    pidFile: flags.pidFile ?? global.pidFile,
    authServers: authServers(global.authServers, flags, auth),
    readAuthToken: token === undefined ? undefined : () => readToken(token),
    caPins: flags.caPin ? [parseCaPin(flags.caPin)] : (global.caPin ?? []),
    advertiseAddr: flags.advertiseIp ? parseAdvertisedAddress(flags.advertiseIp) : global.advertiseIp,
    connectionLimits: {
      maxConnections: global.connectionLimits?.maxConnections || 15_000,
      maxUsers: global.connectionLimits?.maxUsers || 250,
      rates: (global.connectionLimits?.rates ?? []).map(({ period, average, burst }) => ({
        periodMs: period,
        average,
        burst,
      })),
    },
    log: {
      output: logOutput(global.log?.output),
      severity: flags.debug ? "debug" : (global.log?.severity ?? "warn"),
      format: global.log?.format?.output ?? "text",
    },
    debug: flags.debug ?? false,
    insecure: flags.insecure ?? false,
    diagAddr: flags.diagAddr ? parseAddress(flags.diagAddr, 3434) : global.diagAddr,
    ciphers: global.ciphers,
    kexAlgorithms: global.kexAlgos,
    macAlgorithms: global.macAlgos,
    tlsCipherSuites: global.ciphersuites,
    compatibility: global.compatibility,
    drainTimeoutMs: global.drainTimeout ?? DEFAULT_DRAIN_TIMEOUT_MS,
    auditPolicy: global.auditPolicy ?? "strict",
    plugins: global.plugins ?? [],
    pluginConfig: global.pluginConfig ?? {},
    storage: storage(global.storage),
    auth,
    proxy: roles.has("proxy")
      ? listen(resolveProxy(file?.proxyService, { plainHttp: flags.insecureNoTls ?? false }))
      : undefined,
    node: roles.has("node") ? listen(resolveNode(file?.sshService, flags)) : undefined,
    warnings,
  };
}

function authServers(
  listed: readonly Address[] | undefined,
  flags: StartFlags,
  auth: AuthSettings | undefined,
): Address[] {
  if (flags.authServer) return [parseAddress(flags.authServer, 3025)];
  const servers = [...(listed ?? (auth ? [] : [{ host: "127.0.0.1", port: 3025 }]))];
  if (auth) servers.push(auth.listenAddr);
  if (servers.length === 0) throw badParameter("auth_servers is empty");
  return uniqueTargets(servers);
}

/** A listener on all interfaces is reached by loopback. */
function uniqueTargets(servers: readonly Address[]): Address[] {
  const targets = servers.map(({ host, port }) => ({
    host: host === "0.0.0.0" ? "127.0.0.1" : host === "::" ? "::1" : host,
    port,
  }));
  return targets.filter(
    (target, i) =>
      targets.findIndex((other) => other.host === target.host && other.port === target.port) === i,
  );
}

/** Syslog does not exist yet: what is meant for it goes where service supervisors collect lines. */
function logOutput(output: LogOutput | undefined): string {
  if (typeof output === "object") return resolve(output.file);
  return output === undefined || output === "syslog" ? "stderr" : output;
}

function storage(section: NonNullable<FileConfig["teleport"]>["storage"]): StorageSettings {
  const type = section?.type ?? "dir";
  const region = section?.settings?.entries.get("region")?.node;
  return {
    type: type === "sqlite" ? "dir" : type,
    settings: section?.settings ?? EMPTY_MAP,
    auditEventsUris: section?.auditEventsUri ?? [],
    auditSessionsUri: section?.auditSessionsUri,
    region: region?.kind === "scalar" ? region.text : undefined,
    slowOperationThresholdMs: section?.slowOperationThreshold ?? DEFAULT_SLOW_OPERATION_MS,
  };
}

const LISTENERS = ["listenAddr", "webListenAddr", "tunnelListenAddr"] as const;

/** `--listen-ip` replaces the host of every listener and leaves its port. */
function listenOn(ip: string | undefined): <T extends object>(settings: T) => T {
  if (ip === undefined) return (settings) => settings;
  if (isIP(ip) === 0) throw badParameter(`invalid listen IP: '${ip}'`);
  return <T extends object>(settings: T): T => {
    const moved: Partial<Record<(typeof LISTENERS)[number], Address>> = {};
    for (const name of LISTENERS) {
      const address = (settings as typeof moved)[name];
      if (address) moved[name] = { host: ip, port: address.port };
    }
    return { ...settings, ...moved };
  };
}
