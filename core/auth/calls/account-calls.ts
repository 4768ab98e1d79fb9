import { accessDenied } from "../../errors/error.js";
import { callingUser } from "../caller.js";
import type { AuthApi } from "../client/api.js";
import { changed, stored } from "./rule-things.js";
import type { CallScope } from "./scope.js";

/** Users and roles. */
export function accountCalls({
  caller,
  may,
  services,
}: CallScope): Pick<
  AuthApi,
  | "getUsers"
  | "getUser"
  | "createUser"
  | "upsertUser"
  | "deleteUser"
  | "getRoles"
  | "getRole"
  | "createRole"
  | "upsertRole"
  | "deleteRole"
> {
  const { accounts, stores } = services;
  const requireAdminForSecrets = (withSecrets: boolean): void => {
    if (withSecrets && !may.isAdmin()) {
      throw accessDenied("this request can be only executed by an admin");
    }
  };
  return {
    async getUsers(withSecrets = false) {
      requireAdminForSecrets(withSecrets);
      return may.visible("user", () => accounts.users(withSecrets));
    },
    async getUser(name, withSecrets = false) {
      requireAdminForSecrets(withSecrets);
      // Everybody may look at themselves.
      if (!may.isUser(name)) {
        await may.requireOn("user", ["read"], () => stored(stores.users.get(name)));
      }
      return accounts.user(name, withSecrets);
    },
    async createUser(user) {
      await may.requireOn("user", ["create"], () => stored(user));
      return accounts.createUser(user);
    },
    async upsertUser(user) {
      await may.requireOn("user", ["create", "update"], () =>
        changed(user, stores.users.get(user.metadata.name)),
      );
      return accounts.putUser(user);
    },
    async deleteUser(name) {
      await may.requireOn("user", ["delete"], () => stored(stores.users.get(name)));
      return accounts.deleteUser(name, callingUser(caller));
    },
    async getRoles() {
      return may.visible("role", () => stores.roles.list());
    },
    async getRole(name) {
      // Everybody may look at their own roles.
      if (caller.kind !== "user" || !caller.roles.includes(name)) {
        await may.requireOn("role", ["read"], () => stored(stores.roles.get(name)));
      }
      return stores.roles.get(name);
    },
    async createRole(role) {
      await may.requireOn("role", ["create"], () => stored(role));
      return accounts.createRole(role, callingUser(caller));
    },
    async upsertRole(role) {
      await may.requireOn("role", ["create", "update"], () =>
        changed(role, stores.roles.get(role.metadata.name)),
      );
      return accounts.putRole(role, callingUser(caller));
    },
    async deleteRole(name) {
      await may.requireOn("role", ["delete"], () => stored(stores.roles.get(name)));
      return accounts.deleteRole(name, callingUser(caller));
    },
  };
}
