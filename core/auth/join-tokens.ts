/** Join tokens: those of teleport.yaml, and those that administrators make. */
import { createHash, randomBytes, timingSafeEqual } from "node:crypto";
import { badParameter, notFound } from "../errors/error.js";
import type { Clock } from "../plugin/clock.js";
import { isKeySegment } from "../resources/keys.js";
import { formatTime, optionalTime } from "../resources/rfc3339.js";
import { isSystemRole, type ProvisionToken, type SystemRole } from "../resources/token.js";
import type { GenerateTokenRequest } from "./client/api.js";
import type { Stores } from "./stores.js";

const DEFAULT_TTL_MS = 30 * 60_000;
const MIN_TTL_MS = 1_000;
const MAX_TTL_MS = 10 * 365 * 24 * 3_600_000;
/** Shorter ones can be guessed. */
export const MIN_TOKEN_LENGTH = 8;
/** What a host, or a trusted cluster, can be. Nobody joins as an administrator. */
const JOINABLE: ReadonlySet<SystemRole> = new Set<SystemRole>([
  "Node",
  "Proxy",
  "Auth",
  "Trusted_cluster",
  "Trustedcluster",
]);

/** Why a token admits nobody, or not in this role. */
export type TokenRefusal = "invalid" | "role";

/** A token that admits one host in one role. */
export interface UsableToken {
  /** Uses it up where it is a single-use one. False where another host was faster. */
  use(): Promise<boolean>;
}

/** Makes, lists and uses join tokens. */
export interface JoinTokens {
  /** Returns the value of the new token. Throws `bad_parameter`. */
  generate(request: GenerateTokenRequest): Promise<string>;
  /** Writes a token over what has its value. Throws `bad_parameter`. */
  put(token: ProvisionToken): Promise<void>;
  /** As {@link put}; throws `already_exists`. */
  create(token: ProvisionToken): Promise<void>;
  /** Any of {@link list}. Throws `not_found`. */
  get(token: string): Promise<ProvisionToken>;
  /** Static tokens first, then dynamic ones; invites are listed with the role `Signup`. */
  list(): Promise<ProvisionToken[]>;
  /** Removes a dynamic token or an invite. Throws `bad_parameter` for a static one, `not_found` for none. */
  delete(token: string): Promise<void>;
  /** Looks for a token that admits a host in a role, without using it up. Expired tokens are removed. */
  check(token: string, role: SystemRole, hostId: string): Promise<UsableToken | TokenRefusal>;
}

/** The join tokens of the cluster. */
export function createJoinTokens(stores: Stores, clock: Clock): JoinTokens {
  const staticTokens = async (): Promise<readonly ProvisionToken[]> =>
    (await stores.settings.staticTokens()).spec.static_tokens;
  const checked = ({ token, roles, expires, single_use: singleUse }: ProvisionToken): ProvisionToken => {
    requireJoinable(roles);
    if (!isKeySegment(token)) {
      throw badParameter("a join token is made of letters, digits and the characters @ _ : . - only");
    }
    if (token.length < MIN_TOKEN_LENGTH) {
      throw badParameter(`a join token has at least ${MIN_TOKEN_LENGTH} characters: it must not be guessed`);
    }
    return { token, roles: [...new Set(roles)], expires, ...(singleUse && { single_use: true }) };
  };
  /** A token whose end is given as a moment. Without one it would admit hosts for ever. */
  const checkedUntil = (token: ProvisionToken): ProvisionToken => {
    const ttlMs = (optionalTime(token.expires)?.getTime() ?? NaN) - clock.now().getTime();
    if (!(ttlMs > 0 && ttlMs <= MAX_TTL_MS)) {
      throw badParameter("a join token must expire, in the future and within 10 years: set metadata.expires");
    }
    return checked(token);
  };
  const list = async (): Promise<ProvisionToken[]> => {
    const invites = await stores.invites.list();
    return [
      ...(await staticTokens()),
      ...(await stores.tokens.list()),
      ...invites.map(({ token, expires }) => ({ roles: ["Signup" as const], expires, token })),
    ];
  };
  return {
    async generate({ roles, ttl, token, single_use }) {
      const ttlMs = ttl === 0 ? DEFAULT_TTL_MS : ttl / 1e6;
      if (!(ttlMs >= MIN_TTL_MS && ttlMs <= MAX_TTL_MS)) {
        throw badParameter(
          "the ttl of a join token must be between 1 second and 10 years (0 takes 30 minutes)",
        );
      }
      const value = token === "" ? randomBytes(16).toString("hex") : token;
      const expires = formatTime(new Date(clock.now().getTime() + ttlMs));
      await stores.tokens.put(checked({ token: value, roles, expires, ...(single_use && { single_use }) }));
      return value;
    },
    put: async (token) => stores.tokens.put(checkedUntil(token)),
    create: async (token) => stores.tokens.create(checkedUntil(token)),
    async get(token) {
      const found = (await list()).find((known) => sameSecret(known.token, token));
      if (found === undefined) {
        throw notFound("the join token is not found: see tctl tokens ls");
      }
      return found;
    },
    list,
    async delete(token) {
      if ((await staticTokens()).some((known) => sameSecret(known.token, token))) {
        throw badParameter(`token ${token} is statically configured and cannot be removed`);
      }
      const removed = await stores.tokens.delete(token);
      if (!((await stores.invites.delete(token)) || removed)) {
        throw notFound("the join token is not found: see tctl tokens ls");
      }
    },
    async check(token, role, hostId) {
      const fixed = (await staticTokens()).find((known) => sameSecret(known.token, token));
      if (fixed !== undefined) {
        return fixed.roles.includes(role) ? REUSABLE : "role";
      }
      const found = await stores.tokens.find(token);
      if (found === undefined) {
        return "invalid";
      }
      if (found.expires !== undefined && found.expires <= clock.now()) {
        await stores.tokens.delete(token);
        return "invalid";
      }
      if (found.hostId !== undefined && found.hostId !== hostId) {
        return "invalid";
      }
      if (!found.roles.includes(role)) {
        return "role";
      }
      return { use: () => stores.tokens.consume(found, role, hostId) };
    },
  };
}

/** Throws `bad_parameter` unless a token may have these roles. */
export function requireJoinable(roles: readonly SystemRole[]): void {
  if (roles.length === 0) throw badParameter("a join token needs at least one role, such as Node");
  const unknown = roles.find((role) => !isSystemRole(role) || !JOINABLE.has(role));
  if (unknown !== undefined) throw badParameter(`role ${unknown} is not registered`);
}

const REUSABLE: UsableToken = { use: () => Promise.resolve(true) };

/** Compares secrets without telling by the time it takes how much of a guess is right. */
function sameSecret(a: string, b: string): boolean {
  const digest = (text: string): Buffer => createHash("sha256").update(text).digest();
  return timingSafeEqual(digest(a), digest(b));
}
