import type { Address } from "../grammar/address.js";
import type { ProvisionToken } from "../resources/token.js";
import type { FileConfig } from "./schema/file.js";
import { parseStaticToken } from "./static-token.js";

/** Settings of the auth service. */
export interface AuthSettings {
  readonly listenAddr: Address;
  readonly publicAddrs: readonly Address[];
  /** The name a new cluster gets; an existing one keeps its own. */
  readonly clusterName: string;
  readonly staticTokens: readonly ProvisionToken[];
  readonly sessionRecording: "node" | "proxy" | "off";
  /** Recordings go straight to auth while the session runs. */
  readonly syncRecording: boolean;
  readonly proxyChecksHostKeys: boolean;
  readonly authentication: {
    readonly type: "local";
    readonly secondFactor: "off" | "otp";
    /** False: every login with a password and every invitation is refused. */
    readonly localAuth: boolean;
    /** What becomes of connections while the locks cannot be refreshed, where the roles do not say. */
    readonly lockingMode: "best_effort" | "strict";
  };
  /** 0 means never. */
  readonly clientIdleTimeoutMs: number;
  readonly disconnectExpiredCert: boolean;
  readonly keepAliveIntervalMs: number;
  readonly keepAliveCountMax: number;
  /** How long a connection of a user whose connections are limited counts without being heard of. */
  readonly sessionControlTimeoutMs: number;
  /** A file of resources that only the first start loads. */
  readonly bootstrapFile?: string | undefined;
}

const RECORDING_MODES = {
  "node": { sessionRecording: "node", syncRecording: false },
  "proxy": { sessionRecording: "proxy", syncRecording: false },
  "off": { sessionRecording: "off", syncRecording: false },
  "node-sync": { sessionRecording: "node", syncRecording: true },
  "proxy-sync": { sessionRecording: "proxy", syncRecording: true },
} as const;

/**
 * Settings of the auth service from its section. Where the file asks for a function that does not exist yet, the
 * stricter of the existing ones stands in for it: one-time passwords.
 * Throws `bad_parameter` where a token's file cannot be read.
 */
export function resolveAuth(
  section: FileConfig["authService"] = {},
  defaults: { readonly nodename: string; readonly bootstrapFile?: string | undefined },
): AuthSettings {
  return {
    listenAddr: section.listenAddr ?? { host: "0.0.0.0", port: 3025 },
    publicAddrs: section.publicAddr ?? [],
    clusterName: section.clusterName ?? defaults.nodename,
    staticTokens: (section.tokens ?? []).map(parseStaticToken),
    ...RECORDING_MODES[section.sessionRecording ?? "node"],
    proxyChecksHostKeys: section.proxyChecksHostKeys ?? true,
    authentication: {
      type: "local",
      secondFactor: section.authentication?.secondFactor === "off" ? "off" : "otp",
      localAuth: section.authentication?.localAuth ?? true,
      lockingMode: section.authentication?.lockingMode ?? "best_effort",
    },
    clientIdleTimeoutMs: section.clientIdleTimeout ?? 0,
    disconnectExpiredCert: section.disconnectExpiredCert ?? false,
    // As in 4.2, 0 means the default here: `teleport configure` writes it.
    keepAliveIntervalMs: section.keepAliveInterval || 300_000,
    keepAliveCountMax: section.keepAliveCountMax || 3,
    sessionControlTimeoutMs: section.sessionControlTimeout || 120_000,
    bootstrapFile: defaults.bootstrapFile,
  };
}
