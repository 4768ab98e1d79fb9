import { corrupt } from "../errors/error.js";
import { parseDuration } from "../grammar/duration.js";
import type { Role } from "../resources/role.js";

/** The longest life of a certificate where a role does not say: 30 hours. */
export const DEFAULT_MAX_TTL_MS = 30 * 3_600_000;

/** What becomes of connections while the list of locks cannot be refreshed: they are served, or refused. */
export type LockingMode = "best_effort" | "strict";

/** A role's options with their defaults filled in. */
export interface EffectiveOptions {
  readonly maxTtlMs: number;
  readonly forwardAgent: boolean;
  readonly portForwarding: boolean;
  readonly oldFormat: boolean;
  /** 0 = no limit. */
  readonly idleTimeoutMs: number;
  readonly disconnectExpired: boolean;
  readonly x11Forwarding: boolean;
  /** 0 = no limit. */
  readonly maxConnections: number;
  /** 0 = no limit. */
  readonly maxSessions: number;
  /** Undefined where the role leaves it to the cluster. */
  readonly lockingMode: LockingMode | undefined;
}

/** Reads a role's options. Throws `corrupt` where a duration cannot be read: guessing one would widen the role. */
export function effectiveOptions(role: Role): EffectiveOptions {
  const options = role.spec.options;
  return {
    maxTtlMs: duration(role, "max_session_ttl") || DEFAULT_MAX_TTL_MS,
    forwardAgent: options.forward_agent ?? false,
    portForwarding: options.port_forwarding ?? true,
    oldFormat: options.cert_format === "oldssh",
    idleTimeoutMs: duration(role, "client_idle_timeout"),
    disconnectExpired: options.disconnect_expired_cert ?? false,
    x11Forwarding: options.permit_x11_forwarding ?? false,
    maxConnections: options.max_connections ?? 0,
    maxSessions: options.max_sessions ?? 0,
    lockingMode: options.lock,
  };
}

function duration(role: Role, key: "max_session_ttl" | "client_idle_timeout"): number {
  const text = role.spec.options[key] ?? "0s";
  try {
    const ms = parseDuration(text);
    if (ms >= 0) {
      return ms;
    }
  } catch {
    // Reported below, with the role's name.
  }
  throw corrupt(
    `role ${JSON.stringify(role.metadata.name)} has a bad ${key}: correct it with tctl create -f`,
  );
}
