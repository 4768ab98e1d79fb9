/** Changes to users and roles. */
import { compileLabelPattern } from "../access/label-pattern.js";
import { auditEvent } from "../audit/catalogue.js";
import { badParameter, errorMessage } from "../errors/error.js";
import { ZERO_TIME } from "../resources/envelope.js";
import { roleCodec } from "../resources/role-codec.js";
import type { Role } from "../resources/role.js";
import { isSystemRoleName } from "../resources/token.js";
import { userCodec } from "../resources/user-codec.js";
import type { User } from "../resources/user.js";
import { adminRole } from "./admin-role.js";
import type { AuditTrail } from "./audit-trail.js";
import { fromBase64 } from "./base64.js";
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
  deleteUser(name: string): Promise<void>;
  /** `by` is the user who does it, where a user does. Throws `bad_parameter`. */
  putRole(role: Role, by?: string): Promise<void>;
  /** As {@link putRole}; throws `already_exists`. */
  createRole(role: Role, by?: string): Promise<void>;
  /** Throws `bad_parameter` for a role that users have, or will get with their invites. */
  deleteRole(name: string, by?: string): Promise<void>;
}

/** Users and roles of the cluster; every change is audited. */
export function createAccounts(stores: Stores, audit: AuditTrail): Accounts {
  const { users, roles, credentials } = stores;
  const withoutSecrets = (user: User): User => {
    const { local_auth: _secrets, ...spec } = user.spec;
    return { ...user, spec };
  };
  const withSecretsOf = async (user: User): Promise<User> => {
    const name = user.metadata.name;
    const hash = await credentials.passwordHash(name);
    const totp = await credentials.totpSecret(name);
    const secrets = {
      ...(hash === undefined ? {} : { password_hash: Buffer.from(hash).toString("base64") }),
      ...(totp === undefined ? {} : { totp_key: totp }),
    };
    return { ...user, spec: { ...user.spec, local_auth: secrets } };
  };
  const checkedUser = async (input: User): Promise<User> => {
    const user = userCodec.check(input);
    const known = new Set((await roles.list()).map(({ metadata }) => metadata.name));
    const unknown = user.spec.roles.find((role) => !known.has(role) || isSystemRoleName(role));
    if (unknown !== undefined) {
      throw badParameter(`role ${unknown} is not found: create it before giving it to a user`);
    }
    return user;
  };
  /** Writes the secrets of a user whose record is written already, and the audit event. */
  const finishUser = async ({ metadata, spec }: User): Promise<void> => {
    const { password_hash: hash, totp_key: totp } = spec.local_auth ?? {};
    if (hash !== undefined) {
      await credentials.putPasswordHash(metadata.name, fromBase64(hash));
    }
    if (totp !== undefined) {
      await credentials.putTotpSecret(metadata.name, totp);
    }
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
    user: async (name, withSecrets) => {
      const user = await users.get(name);
      return withSecrets ? withSecretsOf(user) : withoutSecrets(user);
    },
    users: async (withSecrets) => {
      const all = await users.list();
      return withSecrets ? Promise.all(all.map(withSecretsOf)) : all.map(withoutSecrets);
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
    async deleteUser(name) {
      await users.delete(name);
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
      await roles.delete(name);
      await audit.emit(auditEvent("roleDelete", "success", { name, user: by }));
    },
  };
}

function checkedRole(input: Role): Role {
  const role = roleCodec.check(input);
  if (isSystemRoleName(role.metadata.name)) {
    throw badParameter(
      `a role cannot be named ${role.metadata.name}: that is a system role; choose another name`,
    );
  }
  requireReadableLabels(role);
  return role;
}

/** A pattern that cannot be compiled matches nothing; where it was to deny something, that must not go unnoticed. */
function requireReadableLabels({ metadata, spec }: Role): void {
  for (const [key, value] of [spec.allow, spec.deny].flatMap((side) =>
    Object.entries(side.node_labels ?? {}),
  )) {
    for (const pattern of [value].flat().filter((text) => !text.includes("{{"))) {
      try {
        compileLabelPattern(pattern);
      } catch (error) {
        throw badParameter(`role "${metadata.name}": node label ${key}: ${errorMessage(error)}`, {
          cause: error,
        });
      }
    }
  }
}
