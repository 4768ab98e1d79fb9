import { hasCode } from "../errors/error.js";
import type { Storage } from "../plugin/storage.js";
import { undefinedWhenMissing } from "./collection.js";
import { keys } from "./keys.js";

/** How long 4.2 remembers the last accepted code. */
const USED_CODE_MS = 30_000;

/** The secrets of local users, in 4.2's formats (storage.md §6). */
export interface CredentialStore {
  /** Bcrypt text. */
  passwordHash(user: string): Promise<string | undefined>;
  putPasswordHash(user: string, hash: string): Promise<void>;
  /** Base32. */
  totpSecret(user: string): Promise<string | undefined>;
  putTotpSecret(user: string, secret: string): Promise<void>;
  /** Whether the user has a counter-based device of older releases, which then replaces TOTP. */
  hasHotp(user: string): Promise<boolean>;
  /** The code that 4.2, or we, accepted last within half a minute. */
  usedCode(user: string): Promise<string | undefined>;
  /**
   * Marks a TOTP time step as used, once and for all: false where it, or a later one, has been used already. Of
   * several calls at once only one wins.
   */
  acceptTotpStep(user: string, step: number, code: string, now: Date): Promise<boolean>;
}

/** The credentials in a backend. */
export function createCredentialStore(storage: Storage): CredentialStore {
  const text = async (key: string): Promise<string | undefined> => {
    const item = await storage.get(key).catch(undefinedWhenMissing);
    return item === undefined ? undefined : Buffer.from(item.value).toString("utf8");
  };
  const put = async (key: string, value: string): Promise<void> =>
    void (await storage.put({ key, value: Buffer.from(value) }));

  const advanceStep = async (key: string, step: number): Promise<boolean> => {
    const value = Buffer.from(String(step));
    for (;;) {
      const current = await storage.get(key).catch(undefinedWhenMissing);
      if (current !== undefined && !(Number(Buffer.from(current.value).toString("utf8")) < step)) {
        return false;
      }
      try {
        await (current === undefined
          ? storage.create({ key, value })
          : storage.compareAndSwap({ key, value }, current.revision));
        return true;
      } catch (error) {
        if (!hasCode(error, "already_exists") && !hasCode(error, "compare_failed")) {
          throw error;
        }
      }
    }
  };
  return {
    passwordHash: (user) => text(keys.passwordHash(user)),
    putPasswordHash: (user, hash) => put(keys.passwordHash(user), hash),
    totpSecret: (user) => text(keys.totpSecret(user)),
    putTotpSecret: (user, secret) => put(keys.totpSecret(user), secret),
    hasHotp: async (user) => (await text(keys.hotp(user))) !== undefined,
    usedCode: (user) => text(keys.usedTotp(user)),
    async acceptTotpStep(user, step, code, now) {
      if (!(await advanceStep(keys.totpStep(user), step))) {
        return false;
      }
      const expires = new Date(now.getTime() + USED_CODE_MS);
      await storage.put({ key: keys.usedTotp(user), value: Buffer.from(code), expires });
      return true;
    },
  };
}
