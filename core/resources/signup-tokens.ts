import { hasCode } from "../errors/error.js";
import type { Revision, Storage } from "../plugin/storage.js";
import { createCollection, undefinedWhenMissing, type Versioned } from "./collection.js";
import { below, isKeySegment, keys } from "./keys.js";
import { parseTime } from "./rfc3339.js";
import { signupTokenCodec, type SignupToken } from "./signup-token.js";

/** Invites. */
export interface SignupTokenStore {
  create(invite: SignupToken): Promise<void>;
  find(token: string): Promise<Versioned<SignupToken> | undefined>;
  list(): Promise<SignupToken[]>;
  /** Writes a changed invite. Throws `compare_failed` where it was changed or redeemed meanwhile. */
  replace(invite: SignupToken, expected: Revision): Promise<void>;
  /** Takes the invite out of the store: true for exactly one of several callers. */
  consume(found: Versioned<SignupToken>): Promise<boolean>;
  /** False where there is none. */
  delete(token: string): Promise<boolean>;
}

/** The invites in a backend. */
export function createSignupTokenStore(storage: Storage): SignupTokenStore {
  const collection = createCollection(storage, signupTokenCodec);
  const keyOf = (invite: SignupToken): string => keys.signupToken(invite.token);
  return {
    create: async (invite) =>
      void (await collection.create(keyOf(invite), invite, parseTime(invite.expires))),
    find: async (token) => (isKeySegment(token) ? collection.find(keys.signupToken(token)) : undefined),
    list: async () => (await collection.list(below(keys.signupTokens))).map(({ value }) => value),
    replace: async (invite, expected) =>
      void (await collection.compareAndSwap(keyOf(invite), invite, expected, parseTime(invite.expires))),
    async consume(found) {
      try {
        await storage.delete(keyOf(found.value), found.revision);
        return true;
      } catch (error) {
        if (hasCode(error, "compare_failed") || hasCode(error, "not_found")) {
          return false;
        }
        throw error;
      }
    },
    delete: async (token) =>
      (isKeySegment(token) &&
        (await storage.delete(keys.signupToken(token)).then(() => true, undefinedWhenMissing))) ||
      false,
  };
}
