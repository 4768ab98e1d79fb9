import { alreadyExists, hasCode } from "../errors/error.js";
import type { Revision, Storage } from "../plugin/storage.js";
import { createCollection, undefinedWhenMissing, type Versioned } from "./collection.js";
import { ZERO_TIME } from "./envelope.js";
import { below, isKeySegment, keys } from "./keys.js";
import { formatTime, optionalTime, parseTime } from "./rfc3339.js";
import { tokenCodec, type StoredToken } from "./token-codec.js";
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
  put(token: ProvisionToken, singleUse: boolean): Promise<void>;
  /** Writes a reusable token. Throws `already_exists`, also where there is a single-use one. */
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
  const stored = (token: ProvisionToken, hostId?: string): StoredToken => ({
    kind: "token",
    version: "v2",
    metadata: { name: token.token, expires: token.expires },
    spec: { roles: token.roles, host_id: hostId },
  });
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
    async put(token, singleUse) {
      const key = singleUse ? keys.singleUseToken(token.token) : keys.token(token.token);
      // A value exists in one form only: a forgotten reusable twin would defeat a single-use token.
      await remove(singleUse ? keys.token(token.token) : keys.singleUseToken(token.token));
      await collection.put(key, stored(token), parseTime(token.expires));
    },
    async create(token) {
      if ((await collection.find(keys.singleUseToken(token.token))) !== undefined) {
        throw alreadyExists("there is a single-use token of this value");
      }
      await collection.create(keys.token(token.token), stored(token), parseTime(token.expires));
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
      const all = [
        ...(await collection.list(below(keys.tokens))),
        ...(await collection.list(below(keys.singleUseTokens))),
      ];
      return all.map(({ value }) => ({
        roles: value.spec.roles,
        expires: value.metadata.expires ?? ZERO_TIME,
        token: value.metadata.name,
      }));
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
          const rest = stored({ token: token.token, roles, expires }, hostId);
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
