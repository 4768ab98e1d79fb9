/** Invites: an administrator makes one, and whoever opens it chooses a password and a second factor, once. */
import { randomBytes } from "node:crypto";
import QRCode from "qrcode";
import { isUnixUserName } from "../access/logins.js";
import { auditEvent } from "../audit/catalogue.js";
import { accessDenied, alreadyExists, badParameter, hasCode } from "../errors/error.js";
import type { Clock } from "../plugin/clock.js";
import type { Versioned } from "../resources/collection.js";
import { ZERO_TIME } from "../resources/envelope.js";
import { formatTime, parseTime } from "../resources/rfc3339.js";
import type { WebSession } from "../resources/session.js";
import type { SignupToken } from "../resources/signup-token.js";
import type { User } from "../resources/user.js";
import { requireRoles } from "./accounts.js";
import { adminRole } from "./admin-role.js";
import type { AuditTrail } from "./audit-trail.js";
import type { InvitedUser, SignupRequest, SignupTokenData } from "./client/api.js";
import type { LockCheck } from "./lock-check.js";
import { requirePrintable } from "./printable.js";
import { hashPassword, requirePasswordLength } from "./password.js";
import type { Stores } from "./stores.js";
import { matchTotp, newTotpSecret, totpUri } from "./totp.js";
import type { WebLoginSessions } from "./web-login-sessions.js";

const DEFAULT_TTL_MS = 3_600_000;
const MIN_TTL_MS = 1_000;
const MAX_TTL_MS = 48 * 3_600_000;
/** The size of 4.2's picture, in pixels. */
const QR_WIDTH = 456;

/** Makes and redeems invites. */
export interface Signups {
  /**
   * Returns the token. `ttlMs` 0 takes an hour. Throws `already_exists` where the user does, and `bad_parameter` for a
   * role that does not exist.
   */
  invite(user: InvitedUser, ttlMs: number): Promise<string>;
  /** What the invite page shows. Each call makes a new TOTP secret, which replaces the one before. */
  open(token: string): Promise<SignupTokenData>;
  /** Creates the user. Of several calls with one invite, also at once, only one succeeds. */
  redeem(request: SignupRequest): Promise<WebSession>;
}

/** Invites of local users. */
export function createSignups(context: {
  readonly stores: Stores;
  readonly sessions: WebLoginSessions;
  readonly lockCheck: LockCheck;
  readonly audit: AuditTrail;
  readonly clock: Clock;
  readonly hostname: string;
}): Signups {
  const { stores, sessions, lockCheck, audit, clock, hostname } = context;

  const find = async (token: string): Promise<Versioned<SignupToken>> => {
    const found = await stores.invites.find(token);
    if (found === undefined || parseTime(found.value.expires) <= clock.now()) {
      throw accessDenied("expired or incorrect signup token");
    }
    return found;
  };

  const requireLocalAuth = async (): Promise<void> => {
    if (!(await stores.settings.clusterConfig()).spec.local_auth) {
      throw accessDenied("local auth disabled");
    }
  };

  const secondFactorIsAsked = async (): Promise<boolean> =>
    (await stores.settings.authPreference()).spec.second_factor !== "off";

  const createUser = async (
    invite: SignupToken,
    passwordHash: string,
    step: number | undefined,
    code: string,
  ) => {
    const user = invitedUser(invite);
    const name = user.metadata.name;
    await stores.users.create(user);
    try {
      await stores.credentials.putPasswordHash(name, passwordHash);
      if (step !== undefined) {
        await stores.credentials.putTotpSecret(name, invite.otp_key);
        await stores.credentials.acceptTotpStep(name, step, code, clock.now());
      }
      await audit.emit(
        auditEvent("userUpdate", "success", {
          user: name,
          expires: ZERO_TIME,
          roles: user.spec.roles,
          connector: "local",
        }),
      );
      return await sessions.open(name);
    } catch (error) {
      await stores.users.delete(name);
      throw error;
    }
  };

  return {
    async invite(user, ttlMs) {
      await requireLocalAuth();
      if (ttlMs > MAX_TTL_MS) {
        throw badParameter("failed to invite user: maximum signup token TTL is 48 hours");
      }
      if (!(ttlMs === 0 || ttlMs >= MIN_TTL_MS)) {
        throw badParameter("failed to invite user: minimum signup token TTL is 1 second (0 takes an hour)");
      }
      requireInvitable(user);
      await requireRoles(stores.roles, user.roles ?? []);
      const taken = await stores.users.find(user.name);
      if (taken !== undefined || (await stores.credentials.passwordHash(user.name)) !== undefined) {
        throw alreadyExists(`user '${user.name}' already exists`);
      }
      const token = randomBytes(16).toString("hex");
      const expires = new Date(clock.now().getTime() + (ttlMs || DEFAULT_TTL_MS));
      const status = { is_locked: false, locked_time: ZERO_TIME, lock_expires: ZERO_TIME };
      await stores.invites.create({
        token,
        user: {
          name: user.name,
          allowed_logins: user.allowed_logins,
          kube_groups: user.kube_groups,
          oidc_identities: null,
          status: { ...status, locked_message: undefined },
          expires: ZERO_TIME,
          created_by: { connector: undefined, time: ZERO_TIME, user: { name: "" } },
          roles: user.roles?.length ? [...new Set(user.roles)] : null,
        },
        ...(await newSecret(user.name, hostname)),
        expires: formatTime(expires),
      });
      return token;
    },
    async open(token) {
      await requireLocalAuth();
      const { value: invite, revision } = await find(token);
      const asked = await secondFactorIsAsked();
      const secret = await newSecret(invite.user.name, hostname);
      try {
        await stores.invites.replace({ ...invite, ...secret }, revision);
      } catch (error) {
        throw hasCode(error, "compare_failed") ? accessDenied("expired or incorrect signup token") : error;
      }
      return {
        token,
        user: invite.user.name,
        qr: asked ? secret.otp_qr_code : "",
        otp_key: asked ? secret.otp_key : "",
      };
    },
    async redeem({ token, password, otp_token: code }) {
      await requireLocalAuth();
      requirePasswordLength(password);
      const found = await find(token);
      const asked = await secondFactorIsAsked();
      if (asked && code === "") {
        throw accessDenied("missing second factor");
      }
      const step = asked ? matchTotp(found.value.otp_key, code, clock.now()) : undefined;
      if (asked && step === undefined) {
        throw accessDenied("failed to validate a token");
      }
      const invited = invitedUser(found.value);
      await lockCheck.requireUnlocked({ user: invited.metadata.name, roles: invited.spec.roles });
      const passwordHash = await hashPassword(password);
      if (!(await stores.invites.consume(found))) {
        throw accessDenied("expired or incorrect signup token");
      }
      try {
        return await createUser(found.value, passwordHash, step, code);
      } catch (error) {
        if (hasCode(error, "already_exists")) {
          throw alreadyExists(`user '${found.value.user.name}' already exists`, { cause: error });
        }
        // The user could not be made through no fault of the invited: the invite stays good.
        await stores.invites.create(found.value);
        throw error;
      }
    },
  };
}

/** Logins end up on command lines and in comma-separated lists. */
function requireInvitable({ allowed_logins: logins, kube_groups: groups = [] }: InvitedUser): void {
  for (const login of logins) {
    if (!isUnixUserName(login) || login.includes(",")) {
      throw badParameter(`failed to invite user: ${JSON.stringify(login)} is not the name of a Unix user`);
    }
  }
  for (const group of groups) {
    requirePrintable("a Kubernetes group", group);
  }
}

/** Who is invited without roles gets `admin`; the logins are a trait (features.md §5.4). */
function invitedUser(invite: SignupToken): User {
  return {
    kind: "user",
    version: "v2",
    metadata: { name: invite.user.name },
    spec: {
      roles: invite.user.roles ?? [adminRole.metadata.name],
      traits: { kubernetes_groups: invite.user.kube_groups ?? null, logins: invite.user.allowed_logins },
      status: { is_locked: false, locked_time: ZERO_TIME, lock_expires: ZERO_TIME },
      expires: ZERO_TIME,
      created_by: { time: ZERO_TIME, user: { name: "" } },
    },
  };
}

async function newSecret(
  username: string,
  hostname: string,
): Promise<Pick<SignupToken, "otp_key" | "otp_qr_code">> {
  const secret = newTotpSecret();
  const png = await QRCode.toBuffer(totpUri(secret, `${username}@${hostname}`), { width: QR_WIDTH });
  return { otp_key: secret, otp_qr_code: png.toString("base64") };
}
