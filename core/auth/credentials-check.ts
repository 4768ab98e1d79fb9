import { accessDenied } from "../errors/error.js";
import type { Clock } from "../plugin/clock.js";
import type { Logger } from "../plugin/logger.js";
import type { AuthPreference } from "../resources/cluster.js";
import type { CredentialStore } from "../resources/credentials.js";
import type { User } from "../resources/user.js";
import { verifyPassword } from "./password.js";
import { matchTotp } from "./totp.js";
import { userExpiry } from "./user-expiry.js";

/** What somebody offers to prove who they are. */
export interface OfferedCredentials {
  readonly password: string;
  /** Empty where none was offered. */
  readonly code: string;
}

/** Checks passwords and second factors. */
export interface CredentialsCheck {
  /** Throws `access_denied` with one text for every reason there may be. An accepted code is used up. */
  verify(user: User | undefined, offered: OfferedCredentials, secondFactor: SecondFactor): Promise<void>;
}

/** The kinds of second factor. */
export type SecondFactor = AuthPreference["spec"]["second_factor"];

/** A check over the stored credentials. An unknown user takes as long as a wrong password. */
export function createCredentialsCheck(context: {
  readonly credentials: CredentialStore;
  readonly clock: Clock;
  readonly log: Logger;
}): CredentialsCheck {
  const { credentials, clock, log } = context;

  const acceptCode = async (username: string, code: string): Promise<boolean> => {
    if (await credentials.hasHotp(username)) {
      log.warn("a login was refused: the user has a counter-based device, which is not supported", {
        user: username,
        hint: "remove the user and send a new invite",
      });
      return false;
    }
    const secret = await credentials.totpSecret(username);
    const now = clock.now();
    const step = secret === undefined ? undefined : matchTotp(secret, code, now);
    if (step === undefined || (await credentials.usedCode(username)) === code) {
      return false;
    }
    return credentials.acceptTotpStep(username, step, code, now);
  };

  return {
    async verify(user, offered, secondFactor) {
      const username = user?.metadata.name;
      const hash = username === undefined ? undefined : await credentials.passwordHash(username);
      const passwordMatches = await verifyPassword(offered.password, hash);
      const accepted =
        passwordMatches &&
        username !== undefined &&
        !hasExpired(user, clock.now()) &&
        (secondFactor === "off" || (await acceptCode(username, offered.code)));
      if (!accepted) {
        throw accessDenied(
          secondFactor === "off"
            ? "invalid username or password"
            : "invalid username, password or second factor",
        );
      }
    },
  };
}

function hasExpired(user: User | undefined, now: Date): boolean {
  const end = user && userExpiry(user);
  return end !== undefined && end <= now;
}
