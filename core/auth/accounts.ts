/** Changes to users and roles. */
import { requireReadableRole } from "../access/readable-role.js";
import { auditEvent } from "../audit/catalogue.js";
import { badParameter } from "../errors/error.js";
import type { Clock } from "../plugin/clock.js";
import { deletedUserLockName } from "../resources/deleted-user-lock.js";
import { ZERO_TIME } from "../resources/envelope.js";
import { roleCodec } from "../resources/role-codec.js";
import type { RoleStore } from "../resources/roles.js";
import type { Role } from "../resources/role.js";
import { isSystemRoleName } from "../resources/token.js";
import { userCodec } from "../resources/user-codec.js";
import type { LocalAuthSecrets, User } from "../resources/user.js";
import { adminRole } from "./admin-role.js";
import type { AuditTrail } from "./audit-trail.js";
import { deletedUserLock } from "./deleted-users.js";
import type { Locks } from "./locks.js";
import type { Stores } from "./stores.js";

/** Reads and changes users and roles. */
export interface Accounts {
  /** Without secrets unless asked for. */
  user(name: string, withSecrets: boolean): Promise<User>;
  users(withSecrets: boolean): Promise<User[]>;
  /** Secrets in the object replace the stored ones. Throws `bad_parameter`, also for a role that does not exist. */
  putUser(user: User): Promise<void>;
  /** As {@link putUser}; throws `already_exists`. */
  createUser(user: User): Promise<void>;
  /** Also refuses the certificates that the user has, for ever. Throws `not_found`. */
  deleteUser(name: string, by?: string): Promise<void>;
  /** `by` is the user who does it, where a user does. Throws `bad_parameter`. */
  putRole(role: Role, by?: string): Promise<void>;
  /** As {@link putRole}; throws `already_exists`. */
  createRole(role: Role, by?: string): Promise<void>;
  /** Throws `bad_parameter` for a role that users have, or will get with their invites. */
  deleteRole(name: string, by?: string): Promise<void>;
}

/** Users and roles of the cluster; every change is audited. */
export function createAccounts(context: {
  readonly stores: Stores;
  readonly locks: Locks;
  readonly audit: AuditTrail;
  readonly clock: Clock;
}): Accounts {
  const { stores, locks, audit, clock } = context;
  const { users, roles, credentials } = stores;
  const withoutSecrets = (user: User): User => {
    const { local_auth: _secrets, ...spec } = user.spec;
    return { ...user, spec };
  };
  const withSecrets = (user: User, secrets: LocalAuthSecrets = {}): User => ({
    ...user,
    spec: { ...user.spec, local_auth: secrets },
  });
  const checkedUser = async (input: User): Promise<User> => {
    const user = userCodec.check(input);
    await requireRoles(roles, user.spec.roles);
    return user;
  };
  /** Writes the secrets of a user whose record is written already, and the audit event. */
  const finishUser = async ({ metadata, spec }: User): Promise<void> => {
    await credentials.putSecrets(metadata.name, spec.local_auth ?? {});
    await audit.emit(
      auditEvent("userUpdate", "success", {
        user: metadata.name,
        expires: metadata.expires ?? ZERO_TIME,
        roles: spec.roles,
        connector: spec.created_by.connector?.id ?? "local",
      }),
    );
  };
  const roleUpdated = ({ metadata }: Role, by: string | undefined): Promise<void> =>
    audit.emit(auditEvent("roleUpdate", "success", { name: metadata.name, user: by }));
  return {
    user: async (name, isFull) => {
      const user = await users.get(name);
      return isFull ? withSecrets(user, await credentials.secrets(name)) : withoutSecrets(user);
    },
    users: async (isFull) => {
      const all = await users.list();
      if (!isFull) return all.map(withoutSecrets);
      const secrets = await credentials.allSecrets();
      return all.map((user) => withSecrets(user, secrets.get(user.metadata.name)));
    },
    async putUser(input) {
      const user = await checkedUser(input);
      await users.put(withoutSecrets(user));
      await finishUser(user);
    },
    async createUser(input) {
      const user = await checkedUser(input);
      await users.create(withoutSecrets(user));
      await finishUser(user);
    },
    async deleteUser(name, by) {
      const isKnown = (await users.find(name)) !== undefined;
      // Before the record is removed: a crash in between leaves nobody with a good certificate.
      if (isKnown) await locks.putDeletedUser(name, by);
      await users.delete(name);
      // And after it, for a certificate that was being issued meanwhile and starts where the first lock ends.
      if (isKnown) {
        await stores.locks.change(deletedUserLockName(name), (before) =>
          deletedUserLock(name, clock.now(), before),
        );
      }
      await audit.emit(auditEvent("userDelete", "success", { user: name }));
    },
    async putRole(input, by) {
      const role = checkedRole(input);
      await roles.put(role);
      await roleUpdated(role, by);
    },
    async createRole(input, by) {
      const role = checkedRole(input);
      await roles.create(role);
      await roleUpdated(role, by);
    },
    async deleteRole(name, by) {
      if (name === adminRole.metadata.name) {
        throw badParameter(`role ${name} is given to every invited user and cannot be removed`);
      }
      const holder = (await users.list()).find(({ spec }) => spec.roles.includes(name));
      if (holder !== undefined) {
        throw badParameter(`role ${name} is still used by the user ${holder.metadata.name}`);
      }
      const invited = (await stores.invites.list()).find(({ user }) => user.roles?.includes(name));
      if (invited !== undefined) {
        throw badParameter(
          `role ${name} is promised to ${invited.user.name} by an invite: remove that first`,
        );
      }
      await roles.delete(name);
      await audit.emit(auditEvent("roleDelete", "success", { name, user: by }));
    },
  };
}

/** Throws `bad_parameter` for a role that no user can be given. */
export async function requireRoles(roles: RoleStore, names: readonly string[]): Promise<void> {
  for (const name of new Set(names)) {
    if (isSystemRoleName(name) || !(await roles.has(name))) {
      throw badParameter(`role ${name} is not found: create it before giving it to a user`);
    }
  }
}

function checkedRole(input: Role): Role {
  const role = roleCodec.check(input);
  if (isSystemRoleName(role.metadata.name)) {
    throw badParameter(
      `a role cannot be named ${role.metadata.name}: that is a system role; choose another name`,
    );
  }
  requireReadableRole(role);
  return role;
}
