import { accessDenied } from "../../errors/error.js";
import { callingUser } from "../caller.js";
import type { AuthApi } from "../client/api.js";
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
      await may.require("user", "list", "read");
      return accounts.users(withSecrets);
    },
    async getUser(name, withSecrets = false) {
      requireAdminForSecrets(withSecrets);
      // Everybody may look at themselves.
      if (!may.isUser(name)) {
        await may.require("user", "read");
      }
      return accounts.user(name, withSecrets);
    },
    async createUser(user) {
      await may.require("user", "create");
      return accounts.createUser(user);
    },
    async upsertUser(user) {
      await may.require("user", "create", "update");
      return accounts.putUser(user);
    },
    async deleteUser(name) {
      await may.require("user", "delete");
      return accounts.deleteUser(name);
    },
    async getRoles() {
      await may.require("role", "list", "read");
      return stores.roles.list();
    },
    async getRole(name) {
      // Everybody may look at their own roles.
      if (caller.kind !== "user" || !caller.roles.includes(name)) {
        await may.require("role", "read");
      }
      return stores.roles.get(name);
    },
    async createRole(role) {
      await may.require("role", "create");
      return accounts.createRole(role, callingUser(caller));
    },
    async upsertRole(role) {
      await may.require("role", "create", "update");
      return accounts.putRole(role, callingUser(caller));
    },
    async deleteRole(name) {
      await may.require("role", "delete");
      return accounts.deleteRole(name, callingUser(caller));
    },
  };
}
