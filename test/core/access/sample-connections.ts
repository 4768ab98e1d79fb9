import type {
  ConnectionRequest,
  ConnectionServer,
  ConnectionSource,
} from "../../../core/access/connection-access.js";
import type { LockingMode } from "../../../core/access/role-options.js";
import { accessDenied } from "../../../core/errors/error.js";
import type { SshCertificate } from "../../../core/pki/ssh-certificate.js";
import type { Lock } from "../../../core/resources/lock.js";
import type { Role } from "../../../core/resources/role.js";
import type { Traits, User } from "../../../core/resources/user.js";

export const NOW = new Date("2026-06-01T12:00:00Z");

/** A user of the cluster. */
export function user(name: string, roles: string[], traits: Traits = {}): User {
  return {
    kind: "user",
    version: "v2",
    metadata: { name },
    spec: {
      roles,
      traits,
      status: { is_locked: false, locked_time: "0001-01-01T00:00:00Z", lock_expires: "0001-01-01T00:00:00Z" },
      expires: "0001-01-01T00:00:00Z",
      created_by: { time: "0001-01-01T00:00:00Z", user: { name: "" } },
    },
  };
}

/** A certificate as a verified client has shown it; with `undefined` roles it has the `oldssh` format. */
export function certificate(
  keyId: string,
  roles: readonly string[] | undefined,
  traits: Traits = {},
  validAfter = new Date(NOW.getTime() - 3_600_000),
): SshCertificate {
  const empty = Buffer.alloc(0);
  return {
    ...{ blob: empty, publicBlob: empty, authority: empty, signature: empty, signedPart: empty },
    ...{ format: "ssh-rsa-cert-v01@openssh.com", type: "user", keyType: "ssh-rsa", serial: 1n },
    ...{ keyId, principals: [], validAfter, validBefore: null, criticalOptions: new Map() },
    signatureAlgorithm: "rsa-sha2-512",
    extensions: new Map(
      roles === undefined
        ? []
        : [
            ["teleport-roles", JSON.stringify({ version: "v1", roles })],
            ["teleport-traits", JSON.stringify(traits)],
          ],
    ),
  };
}

/** A cluster of these users, roles and locks. */
export function source(content: {
  users?: readonly User[];
  roles?: readonly Role[];
  locks?: readonly Lock[];
  staleSince?: Date;
  lockingMode?: LockingMode;
}): ConnectionSource {
  const { users = [], roles = [], locks = [], staleSince, lockingMode } = content;
  return {
    user: (name) => users.find(({ metadata }) => metadata.name === name),
    roles: (names) =>
      names.map((name) => {
        const found = roles.find(({ metadata }) => metadata.name === name);
        if (found === undefined) throw accessDenied(`role '${name}' does not exist`);
        return found;
      }),
    locks: () => locks,
    staleSince: () => staleSince,
    ...(lockingMode === undefined ? {} : { lockingMode: () => lockingMode }),
  };
}

/** The node `db1` with labels. */
export function node(labels: Record<string, string> = {}): ConnectionServer {
  return { namespace: "default", labels, id: "11111111-2222-4333-8444-555555555555", hostname: "db1" };
}

/** A request at {@link NOW}. */
export function request(
  parts: Pick<ConnectionRequest, "certificate" | "login" | "source"> & Partial<ConnectionRequest>,
): ConnectionRequest {
  return { server: node(), now: NOW, ...parts };
}
