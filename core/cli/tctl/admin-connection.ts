import os from "node:os";
import type { AuthApi } from "../../auth/client/api.js";
import { connectAuth } from "../../auth/client/connect.js";
import { loadSelectedConfig } from "../../config/config-source.js";
import { resolveSettings } from "../../config/settings.js";
import { errorMessage, hasCode, unavailable } from "../../errors/error.js";
import { formatAddress, parseAddress } from "../../grammar/address.js";
import type { Clock } from "../../plugin/clock.js";
import { ExitWith } from "../program.js";
import { terminalText } from "../terminal-text.js";
import { readAdminIdentity } from "./admin-identity.js";
import type { GlobalFlags } from "./global-flags.js";

const AUTH_PORT = 3025;
/** Attempts and handshakes included: a server that accepts and then says nothing is given up after this. */
const CONNECT_TIMEOUT_MS = 5_000;

/** The world around a connection. */
export interface ConnectionContext {
  readonly clock: Clock;
  readonly environment: { readonly TELEPORT_CONFIG?: string | undefined };
  /** Bounds the first call; 5 s when absent. */
  readonly connectTimeoutMs?: number;
}

/**
 * Connects to the auth service that the flags and the configuration name, and makes sure that it answers. Throws
 * `config` with every problem of the configuration file, and {@link ExitWith} where no auth server answers.
 */
export async function connectAdmin(flags: GlobalFlags, context: ConnectionContext): Promise<AuthApi> {
  const loaded = loadSelectedConfig(flags, context.environment);
  const settings = resolveSettings(loaded?.config, {}, { hostname: os.hostname() });
  const named = flags.authServer?.map((address) => parseAddress(address, AUTH_PORT));
  const addresses = (named ?? settings.authServers).map(formatAddress);
  const identity = await readAdminIdentity(flags.identity, settings.dataDir, context.clock);
  const api = connectAuth({ ...identity, addresses, clock: context.clock });
  try {
    await within(context, api.getDomainName());
    return api;
  } catch (error) {
    await api.close();
    throw hasCode(error, "unavailable") ? notReachable(addresses, error) : error;
  }
}

function notReachable(addresses: readonly string[], cause: unknown): ExitWith {
  const reason = terminalText(errorMessage(cause));
  return new ExitWith(
    1,
    `[CLIENT]  Cannot connect to the auth server: ${reason}. Is the auth server running on ${addresses.join(", ")}?`,
    { cause },
  );
}

async function within<T>({ clock, connectTimeoutMs }: ConnectionContext, call: Promise<T>): Promise<T> {
  const limitMs = connectTimeoutMs ?? CONNECT_TIMEOUT_MS;
  const answered = new AbortController();
  const expired = clock.sleep(limitMs, answered.signal).then(() => {
    throw unavailable(`it did not answer within ${limitMs / 1000} s`);
  });
  try {
    return await Promise.race([call, expired]);
  } finally {
    // Whichever of the two comes last fails unheard.
    expired.catch(() => undefined);
    call.catch(() => undefined);
    answered.abort();
  }
}
