/** Join tokens: those of teleport.yaml, and those that administrators make. */
import { createHash, randomBytes, timingSafeEqual } from "node:crypto";
import { badParameter, notFound } from "../errors/error.js";
import type { Clock } from "../plugin/clock.js";
import { isKeySegment } from "../resources/keys.js";
import { formatTime } from "../resources/rfc3339.js";
import { isSystemRole, type ProvisionToken, type SystemRole } from "../resources/token.js";
import type { GenerateTokenRequest } from "./client/api.js";
import type { Stores } from "./stores.js";

const DEFAULT_TTL_MS = 30 * 60_000;
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

/** Makes, lists and uses join tokens. */
export interface JoinTokens {
  /** Returns the value of the new token. Throws `bad_parameter`. */
  generate(request: GenerateTokenRequest): Promise<string>;
  /** Static tokens first, then dynamic ones; invites are listed with the role `Signup`. */
  list(): Promise<ProvisionToken[]>;
  /** Removes a dynamic token or an invite. Throws `bad_parameter` for a static one, `not_found` for none. */
  delete(token: string): Promise<void>;
  /** Uses a token for one host in one role; undefined where it is good. Expired tokens are removed. */
  use(token: string, role: SystemRole, hostId: string): Promise<TokenRefusal | undefined>;
}

/** The join tokens of the cluster. */
export function createJoinTokens(stores: Stores, clock: Clock): JoinTokens {
  const staticTokens = async (): Promise<readonly ProvisionToken[]> =>
    (await stores.settings.staticTokens()).spec.static_tokens;
  return {
    async generate({ roles, ttl, token, single_use: singleUse }) {
      const unknown = roles.find((role) => !isSystemRole(role) || !JOINABLE.has(role));
      if (unknown !== undefined || roles.length === 0) {
        throw badParameter(
          unknown === undefined
            ? "a join token needs at least one role, such as Node"
            : `role ${unknown} is not registered`,
        );
      }
      if (token !== "" && !isKeySegment(token)) {
        throw badParameter("a join token is made of letters, digits and the characters @ _ : . - only");
      }
      const value = token === "" ? randomBytes(16).toString("hex") : token;
      const ttlMs = ttl >= 1e9 ? ttl / 1e6 : DEFAULT_TTL_MS;
      const expires = formatTime(new Date(clock.now().getTime() + ttlMs));
      await stores.tokens.put({ token: value, roles: [...new Set(roles)], expires }, singleUse ?? false);
      return value;
    },
    async list() {
      const invites = await stores.invites.list();
      return [
        ...(await staticTokens()),
        ...(await stores.tokens.list()),
        ...invites.map(({ token, expires }) => ({ roles: ["Signup" as const], expires, token })),
      ];
    },
    async delete(token) {
      if ((await staticTokens()).some((known) => sameSecret(known.token, token))) {
        throw badParameter(`token ${token} is statically configured and cannot be removed`);
      }
      const removed = await stores.tokens.delete(token);
      if (!((await stores.invites.delete(token)) || removed)) {
        throw notFound(`key /tokens/${token} is not found`);
      }
    },
    async use(token, role, hostId) {
      const fixed = (await staticTokens()).find((known) => sameSecret(known.token, token));
      if (fixed !== undefined) {
        return fixed.roles.includes(role) ? undefined : "role";
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
      return (await stores.tokens.consume(found, role, hostId)) ? undefined : "invalid";
    },
  };
}

/** Compares secrets without telling by the time it takes how much of a guess is right. */
function sameSecret(a: string, b: string): boolean {
  const digest = (text: string): Buffer => createHash("sha256").update(text).digest();
  return timingSafeEqual(digest(a), digest(b));
}
