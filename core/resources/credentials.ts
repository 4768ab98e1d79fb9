import { hasCode } from "../errors/error.js";
import type { Item, Storage } from "../plugin/storage.js";
import { undefinedWhenMissing } from "./collection.js";
import { below, keys } from "./keys.js";
import { fromStoredU2f, toStoredU2f, u2fCounterCodec, u2fRegistrationCodec } from "./u2f-device.js";
import type { LocalAuthSecrets } from "./user.js";

/** How long 4.2 remembers the last accepted code. */
const USED_CODE_MS = 30_000;

/** What the items below a user's key are named that {@link CredentialStore.secrets} reads. */
const SECRET_ITEM =
  /^\/web\/users\/(?<user>[^/]+)\/(?<part>pwd|totp|u2fregistration|u2fregistrationcounter)$/;

/** The secrets of local users, in 4.2's formats (storage.md §6). */
export interface CredentialStore {
  /** Bcrypt text. */
  passwordHash(user: string): Promise<string | undefined>;
  putPasswordHash(user: string, hash: string): Promise<void>;
  /** Base32. */
  totpSecret(user: string): Promise<string | undefined>;
  putTotpSecret(user: string, secret: string): Promise<void>;
  /** All that a user can prove who they are with, in the form of exports. */
  secrets(user: string): Promise<LocalAuthSecrets>;
  /** The same for every user, in one pass over the store. */
  allSecrets(): Promise<ReadonlyMap<string, LocalAuthSecrets>>;
  /** Writes what is given and leaves the rest as it is. */
  putSecrets(user: string, secrets: LocalAuthSecrets): Promise<void>;
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
  const put = async (key: string, value: string | Buffer): Promise<void> =>
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
    async secrets(user) {
      const names = [
        keys.passwordHash(user),
        keys.totpSecret(user),
        keys.u2fRegistration(user),
        keys.u2fCounter(user),
      ];
      const items = await Promise.all(names.map((key) => storage.get(key).catch(undefinedWhenMissing)));
      const found = items.flatMap((item) => (item === undefined ? [] : [secretOf(item)]));
      return Object.assign({}, ...found) as LocalAuthSecrets;
    },
    async allSecrets() {
      const all = new Map<string, LocalAuthSecrets>();
      for await (const item of storage.range(below(keys.users))) {
        const user = SECRET_ITEM.exec(item.key)?.groups?.["user"];
        if (user !== undefined) all.set(user, { ...all.get(user), ...secretOf(item) });
      }
      return all;
    },
    async putSecrets(user, secrets) {
      const { password_hash: hash, totp_key: totp, u2f_registration: device, u2f_counter: counter } = secrets;
      if (hash !== undefined) await put(keys.passwordHash(user), Buffer.from(hash, "base64"));
      if (totp !== undefined) await put(keys.totpSecret(user), totp);
      if (device === undefined) return;
      await put(keys.u2fRegistration(user), u2fRegistrationCodec.encode(toStoredU2f(device)));
      await put(keys.u2fCounter(user), u2fCounterCodec.encode({ counter: counter ?? 0 }));
    },
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

/** One stored secret in the form of exports. */
function secretOf({ key, value }: Item): LocalAuthSecrets {
  const part = SECRET_ITEM.exec(key)?.groups?.["part"] ?? "";
  return READERS[part]?.(key, value) ?? {};
}

/** How each of the items is read. */
const READERS: Readonly<Record<string, (key: string, value: Uint8Array) => LocalAuthSecrets>> = {
  pwd: (_key, value) => ({ password_hash: Buffer.from(value).toString("base64") }),
  totp: (_key, value) => ({ totp_key: Buffer.from(value).toString("utf8") }),
  u2fregistration: (key, value) => ({
    u2f_registration: fromStoredU2f(u2fRegistrationCodec.decode(key, value)),
  }),
  u2fregistrationcounter: (key, value) => ({ u2f_counter: u2fCounterCodec.decode(key, value).counter }),
};
