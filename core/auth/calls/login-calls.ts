import { accessDenied } from "../../errors/error.js";
import { hostOf } from "../../grammar/address.js";
import type { AuthApi, UserCertsRequest } from "../client/api.js";
import { clientAddress } from "../caller.js";
import type { CallScope } from "./scope.js";

/** Invites, logins, and certificates for users. */
export function loginCalls({
  caller,
  may,
  services,
}: CallScope): Pick<
  AuthApi,
  | "createSignupToken"
  | "getSignupToken"
  | "createUserWithToken"
  | "authenticateSsh"
  | "authenticateWeb"
  | "deleteWebSession"
  | "generateUserCerts"
> {
  const { logins, signups, stores, userCertificates, rateLimit, clock } = services;

  /** Only a proxy logs users in, and it says from where; one that does not is itself the client. */
  const fromClient = <R extends { remote_addr?: string }>(request: R): R => {
    const { remoteAddress } = may.requireHost("Proxy");
    return { ...request, remote_addr: request.remote_addr || remoteAddress };
  };

  const ownCertificates = async ({
    publicKey,
    username,
    expires,
    format,
    routeToCluster,
  }: UserCertsRequest) => {
    if (caller.kind !== "user" || caller.username !== username) {
      throw accessDenied("this request can be only executed by an admin");
    }
    return userCertificates.issue({
      username,
      within: { roles: caller.roles, traits: caller.traits },
      publicKey,
      ttlMs: Math.max(1, expires.getTime() - clock.now().getTime()),
      notAfter: caller.expires,
      format: format ?? "",
      routeToCluster: routeToCluster ?? "",
    });
  };

  return {
    async createSignupToken(user, ttlMs) {
      await may.require("user", "create");
      return signups.invite(user, ttlMs);
    },
    async getSignupToken(token, remoteAddress) {
      rateLimit.take(hostOf(clientAddress(caller, remoteAddress)));
      return signups.open(token);
    },
    async createUserWithToken(request) {
      rateLimit.take(hostOf(clientAddress(caller, request.remote_addr)));
      return signups.redeem(request);
    },
    authenticateSsh: async (request) => logins.forCertificates(fromClient(request)),
    authenticateWeb: async (request) => logins.forWeb(fromClient(request)),
    async deleteWebSession(user, sessionId) {
      if (!may.isUser(user)) {
        // A proxy ends the sessions that it has opened.
        may.requireHost("Proxy", "Admin");
      }
      await stores.webSessions.delete(user, sessionId);
    },
    async generateUserCerts(request) {
      if (!may.isAdmin()) {
        const { ssh, tls } = await ownCertificates(request);
        return { ssh, tls };
      }
      // An administrator who mistypes a name is told that nobody has it.
      await stores.users.get(request.username);
      const { ssh, tls } = await userCertificates.issue({
        username: request.username,
        publicKey: request.publicKey,
        ttlMs: Math.max(1, request.expires.getTime() - clock.now().getTime()),
        uncapped: true,
        format: request.format ?? "",
        routeToCluster: request.routeToCluster ?? "",
      });
      return { ssh, tls };
    },
  };
}
