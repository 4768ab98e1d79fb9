import { alreadyExists, hasCode } from "../errors/error.js";
import type { Revision, Storage } from "../plugin/storage.js";
import { createCollection, undefinedWhenMissing, type Versioned } from "./collection.js";
import { ZERO_TIME } from "./envelope.js";
import { below, isKeySegment, keys } from "./keys.js";
import { formatTime, optionalTime } from "./rfc3339.js";
import { tokenCodec, type StoredToken } from "./token-codec.js";
import { tokenOfResource } from "./token-resource.js";
import type { ProvisionToken, SystemRole } from "./token.js";

/** A dynamic token as it was found. */
export interface FoundToken {
  readonly token: string;
  readonly roles: readonly SystemRole[];
  /** The time inside the value, which alone counts. Undefined means never. */
  readonly expires: Date | undefined;
  readonly singleUse: boolean;
  /** For a single-use token that has admitted its host in one role already. */
  readonly hostId: string | undefined;
  readonly revision: Revision;
}

/** Dynamic join tokens: reusable ones where 4.2 has them, single-use ones in a place of ours. */
export interface TokenStore {
  /** Writes a token; one of the other form that has its value is removed. */
  put(token: ProvisionToken): Promise<void>;
  /** Throws `already_exists`, whatever form the one of this value has. */
  create(token: ProvisionToken): Promise<void>;
  find(token: string): Promise<FoundToken | undefined>;
  list(): Promise<ProvisionToken[]>;
  /** False where there is none. */
  delete(token: string): Promise<boolean>;
  /**
   * Uses up one role of a single-use token for a host; the last role removes the token. False where another caller was
   * faster. A reusable token is left as it is.
   */
  consume(found: FoundToken, role: SystemRole, hostId: string): Promise<boolean>;
}

/** The join tokens in a backend. */
export function createTokenStore(storage: Storage): TokenStore {
  const collection = createCollection(storage, tokenCodec);
  const stored = (token: ProvisionToken): StoredToken => ({
    kind: "token",
    version: "v2",
    metadata: { name: token.token, ...(token.expires !== ZERO_TIME && { expires: token.expires }) },
    spec: { roles: token.roles, host_id: token.host_id },
  });
  const keyOf = (token: ProvisionToken): string =>
    token.single_use ? keys.singleUseToken(token.token) : keys.token(token.token);
  const otherKeyOf = (token: ProvisionToken): string => keyOf({ ...token, single_use: !token.single_use });
  const found = ({ value, revision }: Versioned<StoredToken>, singleUse: boolean): FoundToken => ({
    token: value.metadata.name,
    roles: value.spec.roles,
    expires: optionalTime(value.metadata.expires),
    singleUse,
    hostId: value.spec.host_id,
    revision,
  });
  const remove = async (key: string): Promise<boolean> =>
    (await storage.delete(key).then(() => true, undefinedWhenMissing)) ?? false;
  return {
    async put(token) {
      // A value exists in one form only: a forgotten reusable twin would defeat a single-use token.
      await remove(otherKeyOf(token));
      await collection.put(keyOf(token), stored(token), optionalTime(token.expires));
    },
    async create(token) {
      if ((await collection.find(otherKeyOf(token))) !== undefined) {
        throw alreadyExists(`there is a ${token.single_use ? "reusable" : "single-use"} token of this value`);
      }
      await collection.create(keyOf(token), stored(token), optionalTime(token.expires));
    },
    async find(token) {
      if (!isKeySegment(token)) {
        return undefined;
      }
      const single = await collection.find(keys.singleUseToken(token));
      if (single !== undefined) {
        return found(single, true);
      }
      const reusable = await collection.find(keys.token(token));
      return reusable === undefined ? undefined : found(reusable, false);
    },
    async list() {
      const reusable = await collection.list(below(keys.tokens));
      const singleUse = await collection.list(below(keys.singleUseTokens));
      return [
        ...reusable.map(({ value }) => tokenOfResource(value)),
        ...singleUse.map(({ value }) => ({ ...tokenOfResource(value), single_use: true })),
      ];
    },
    async delete(token) {
      if (!isKeySegment(token)) {
        return false;
      }
      const reusable = await remove(keys.token(token));
      return (await remove(keys.singleUseToken(token))) || reusable;
    },
    async consume(token, role, hostId) {
      if (!token.singleUse) {
        return true;
      }
      const roles = token.roles.filter((other) => other !== role);
      const key = keys.singleUseToken(token.token);
      try {
        if (roles.length === 0) {
          await storage.delete(key, token.revision);
        } else {
          const expires = token.expires === undefined ? ZERO_TIME : formatTime(token.expires);
          const rest = stored({ token: token.token, roles, expires, host_id: hostId });
          await collection.compareAndSwap(key, rest, token.revision, token.expires);
        }
        return true;
      } catch (error) {
        if (hasCode(error, "compare_failed") || hasCode(error, "not_found")) {
          return false;
        }
        throw error;
      }
    },
  };
}
