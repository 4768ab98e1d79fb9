/** How hosts get their certificates: the first time with a token, later with those they have. */
import { auditEvent } from "../audit/catalogue.js";
import { accessDenied, badParameter } from "../errors/error.js";
import { hostOf } from "../grammar/address.js";
import { HOST_ROLES } from "../grammar/system-roles.js";
import { parsePublicKeyPem } from "../pki/keys.js";
import type { Logger } from "../plugin/logger.js";
import { isSystemRole } from "../resources/token.js";
import { clientAddress, type Caller } from "./caller.js";
import type { AuditTrail } from "./audit-trail.js";
import type { PackedKeys, RegisterRequest, ServerKeysRequest } from "./client/api.js";
import type { HostCertificates } from "./host-certificates.js";
import { isHostId, type HostNames } from "./host-names.js";
import type { JoinTokens, TokenRefusal } from "./join-tokens.js";
import { parseSubjectKey, requireStrength } from "./public-key.js";
import type { RateLimit } from "./rate-limit.js";
import { fromBase64 } from "./base64.js";

/** Admits hosts. */
export interface Joins {
  /**
   * Throws `access_denied` for a token that is not valid, `bad_parameter` for one that lacks the role, and
   * `limit_exceeded` for a client that tries too often.
   */
  register(request: RegisterRequest, caller: Caller): Promise<PackedKeys>;
  /** New certificates for a host that has some. Throws `access_denied` unless they are the caller's own. */
  renew(request: ServerKeysRequest, caller: Caller): Promise<PackedKeys>;
}

/** Admission to the cluster. */
export function createJoins(context: {
  readonly tokens: JoinTokens;
  readonly certificates: HostCertificates;
  readonly clusterName: string;
  readonly rateLimit: RateLimit;
  readonly audit: AuditTrail;
  readonly log: Logger;
}): Joins {
  const { tokens, certificates, clusterName, rateLimit, audit, log } = context;

  /** Audits before the host learns of it: guesses at tokens must be seen. */
  const refuse = async (refusal: TokenRefusal, request: RegisterRequest, address: string): Promise<never> => {
    const { hostID: hostId, node_name: nodeName, role } = request;
    const who = `${JSON.stringify(nodeName)} [${hostId}]`;
    const error =
      refusal === "role"
        ? badParameter(
            `node ${who} can not join the cluster, the token does not allow ${JSON.stringify(role)} role`,
          )
        : accessDenied(`${who} can not join the cluster with role ${role}, the token is not valid`);
    log.warn("a host was refused", { hostId, nodeName, role, refusal, from: address });
    await audit.emit(
      auditEvent("authAttempt", "failure", {
        "user": `${hostId}.${clusterName}`,
        "addr.remote": address,
        "success": false,
        "error": error.message,
      }),
    );
    throw error;
  };

  return {
    async register(request, caller) {
      const { hostID: hostId, node_name: nodeName, role } = request;
      const address = clientAddress(caller, request.remote_addr);
      rateLimit.take(hostOf(address));
      if (!isHostId(hostId)) {
        throw badParameter(`${JSON.stringify(hostId)} is not a host id: it must be a UUID`);
      }
      if (!isSystemRole(role) || !HOST_ROLES.includes(role)) {
        throw badParameter(`a host cannot join with the role ${JSON.stringify(role)}`);
      }
      // All that can be wrong with the request is found before a single-use token is used up.
      const keys = hostKeys(request);
      const host = hostNames(request, {
        hostId,
        role,
        clusterName,
        remoteAddress: address,
      });
      const token = await tokens.check(request.token, role, hostId);
      if (typeof token === "string") {
        return refuse(token, request, address);
      }
      const packed = await certificates.issue(host, keys);
      if (!(await token.use())) {
        return refuse("invalid", request, address);
      }
      log.info("a host joined the cluster", { hostId, nodeName, role, from: host.remoteHost });
      return packed;
    },
    async renew(request, caller) {
      const [role, ...others] = request.roles;
      if (
        caller.kind !== "system" ||
        role === undefined ||
        others.length > 0 ||
        caller.role !== role ||
        caller.hostId !== request.host_id
      ) {
        throw accessDenied("a host can renew certificates only for itself and in its own role");
      }
      const host = hostNames(request, {
        hostId: request.host_id,
        role,
        clusterName,
        remoteAddress: caller.remoteAddress,
      });
      return certificates.issue(host, hostKeys(request));
    },
  };
}

function hostNames(
  request: RegisterRequest | ServerKeysRequest,
  host: Pick<HostNames, "hostId" | "role" | "clusterName"> & { readonly remoteAddress: string },
): HostNames {
  const { remoteAddress, ...identity } = host;
  return {
    ...identity,
    nodeName: request.node_name,
    principals: request.additional_principals ?? [],
    dnsNames: request.dns_names ?? [],
    remoteHost: hostOf(remoteAddress),
  };
}

function hostKeys(request: RegisterRequest | ServerKeysRequest) {
  const tls = parsePublicKeyPem(fromBase64(request.public_tls_key));
  requireStrength(tls);
  return { ssh: parseSubjectKey(fromBase64(request.public_ssh_key)), tls };
}
