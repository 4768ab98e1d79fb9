/** Logins of local users: for certificates, and for the web. */
import { X509Certificate } from "node:crypto";
import { auditEvent } from "../audit/catalogue.js";
import { accessDenied, badParameter, errorMessage, hasCode } from "../errors/error.js";
import { hostOf } from "../grammar/address.js";
import type { Clock } from "../plugin/clock.js";
import type { ClusterSettingsStore } from "../resources/cluster-settings.js";
import { parseTime } from "../resources/rfc3339.js";
import type { WebSession } from "../resources/session.js";
import type { User } from "../resources/user.js";
import type { UserStore } from "../resources/users.js";
import type { WebSessionStore } from "../resources/web-sessions.js";
import type { AuditTrail } from "./audit-trail.js";
import type { SshLoginRequest, SshLoginResponse, WebLoginRequest } from "./client/api.js";
import type { CredentialsCheck, OfferedCredentials } from "./credentials-check.js";
import type { LockCheck } from "./lock-check.js";
import type { LoginGuard } from "./login-guard.js";
import type { RateLimit } from "./rate-limit.js";
import { fromBase64, toBase64 } from "./base64.js";
import type { Signers } from "./signers.js";
import type { UserCertificates } from "./user-certificates.js";
import type { WebLoginSessions } from "./web-login-sessions.js";

/** Logs users in. Every success and every failure is audited before the caller learns of it. */
export interface Logins {
  forCertificates(request: SshLoginRequest): Promise<SshLoginResponse>;
  /** Opens a web session, or returns the one that `session.id` names. */
  forWeb(request: WebLoginRequest): Promise<WebSession>;
}

/** What logins are made of. */
export interface LoginContext {
  readonly users: UserStore;
  readonly settings: ClusterSettingsStore;
  readonly webSessions: WebSessionStore;
  readonly guard: LoginGuard;
  readonly check: CredentialsCheck;
  readonly rateLimit: RateLimit;
  readonly certificates: UserCertificates;
  readonly lockCheck: LockCheck;
  readonly sessions: WebLoginSessions;
  readonly signers: Signers;
  readonly audit: AuditTrail;
  readonly clock: Clock;
}

/** Logins of this cluster's local users. */
export function createLogins(context: LoginContext): Logins {
  const { users, settings, webSessions, guard, check, rateLimit } = context;
  const { certificates, lockCheck, sessions, signers, clock } = context;

  const prove = async (request: SshLoginRequest | WebLoginRequest): Promise<User> => {
    const { type, second_factor: secondFactor } = (await settings.authPreference()).spec;
    if (type !== "local" || !(await settings.clusterConfig()).spec.local_auth) {
      throw accessDenied("local auth disabled");
    }
    if (secondFactor === "u2f") {
      throw accessDenied("security keys are not supported yet: set second_factor to otp in teleport.yaml");
    }
    const offered = offeredCredentials(request);
    if (secondFactor === "otp" && offered.code === "") {
      throw accessDenied("missing second factor");
    }
    return guard.attempt(request.username, async (user) => {
      await check.verify(user, offered, secondFactor);
      return user ?? users.get(request.username);
    });
  };

  /** Proves who it is and gives them what they came for; only when they have it, the login has succeeded. */
  const logIn = async <T>(
    request: SshLoginRequest | WebLoginRequest,
    finish: (username: string) => Promise<T>,
  ): Promise<T> => {
    rateLimit.take(hostOf(request.remote_addr ?? ""));
    try {
      const result = await finish((await prove(request)).metadata.name);
      await context.audit.emit(loginEvent(request));
      return result;
    } catch (error) {
      if (hasCode(error, "access_denied") || hasCode(error, "limit_exceeded")) {
        await context.audit.emit(loginEvent(request, errorMessage(error)));
      }
      throw error;
    }
  };

  /** An open session is as good as its certificate. */
  const requireLive = async ({ spec }: WebSession): Promise<void> => {
    if (parseTime(spec.bearer_token_expires) <= clock.now()) {
      throw accessDenied("the web session has expired: log in again");
    }
    const user = await users.get(spec.user);
    const issuedAt = new Date(new X509Certificate(fromBase64(spec.tls_cert)).validFrom);
    await lockCheck.requireUnlocked({ user: spec.user, roles: user.spec.roles, issuedAt });
  };

  return {
    forCertificates: (request) =>
      logIn(request, async (username) => {
        const issued = await certificates.issue({
          username,
          publicKey: fromBase64(request.public_key),
          ttlMs: request.ttl / 1e6,
          format: request.compatibility_mode,
          routeToCluster: request.route_to_cluster,
        });
        const { authority } = await signers.active("host");
        return {
          username,
          cert: toBase64(issued.ssh),
          tls_cert: toBase64(issued.tls),
          host_signers: [
            {
              domain_name: authority.spec.cluster_name,
              checking_keys: authority.spec.checking_keys,
              tls_certs: (authority.spec.tls_key_pairs ?? []).flatMap(({ cert }) => cert ?? []),
            },
          ],
        };
      }),
    async forWeb(request) {
      if (request.session !== undefined) {
        const session = await webSessions.get(request.username, request.session.id);
        await requireLive(session);
        return session;
      }
      return logIn(request, (username) => sessions.open(username));
    },
  };
}

function offeredCredentials({ otp, pass }: SshLoginRequest | WebLoginRequest): OfferedCredentials {
  if (otp !== undefined) {
    return { password: fromBase64(otp.password), code: otp.token };
  }
  if (pass === undefined) {
    throw badParameter("a login needs a password");
  }
  return { password: fromBase64(pass.password), code: "" };
}

function loginEvent({ username, remote_addr: remote }: SshLoginRequest | WebLoginRequest, error?: string) {
  return auditEvent("userLogin", error === undefined ? "success" : "failure", {
    "user": username,
    "method": "local",
    "success": error === undefined,
    "error": error,
    "addr.remote": remote || undefined,
  });
}
