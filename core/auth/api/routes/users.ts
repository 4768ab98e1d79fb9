import type { Lock } from "../../../resources/lock.js";
import type { Role } from "../../../resources/role.js";
import type { User } from "../../../resources/user.js";
import type { InvitedUser, SshLoginRequest, WebLoginRequest } from "../../client/api.js";
import { numberField, objectField, resourceField, textField, textsField } from "../request-body.js";
import { flag, route, type RestCall, type Route } from "../route.js";

const NANOSECONDS_PER_MS = 1e6;

/** Endpoints of users, their roles, locks, invites and logins. */
export const userRoutes: readonly Route[] = [
  route("GET", "/users", (api, call) => api.getUsers(flag(call, "with_secrets"))),
  route("GET", "/users/:user", (api, call) => api.getUser(call.param("user"), flag(call, "with_secrets"))),
  // PUT is ours, and creates only.
  route("PUT", "/users", (api, call) => api.createUser(resourceField<User>(call.body(), "user"))),
  route("POST", "/users", (api, call) => api.upsertUser(resourceField<User>(call.body(), "user"))),
  route("DELETE", "/users/:user", (api, call) => api.deleteUser(call.param("user"))),

  route("GET", "/roles", (api) => api.getRoles()),
  route("GET", "/roles/:role", (api, call) => api.getRole(call.param("role"))),
  route("PUT", "/roles", (api, call) => api.createRole(resourceField<Role>(call.body(), "role"))),
  route("POST", "/roles", (api, call) => api.upsertRole(resourceField<Role>(call.body(), "role"))),
  route("DELETE", "/roles/:role", (api, call) => api.deleteRole(call.param("role"))),

  route("GET", "/locks", (api) => api.getLocks()),
  route("PUT", "/locks", (api, call) => api.createLock(resourceField<Lock>(call.body(), "lock"))),
  route("POST", "/locks", (api, call) => api.upsertLock(resourceField<Lock>(call.body(), "lock"))),
  route("DELETE", "/locks/:lock", (api, call) => api.deleteLock(call.param("lock"))),

  route("POST", "/signuptokens", (api, call) => {
    const user = objectField(call.body(), "user");
    const invited: InvitedUser = {
      name: textField(user, "name"),
      allowed_logins: textsField(user, "allowed_logins"),
      kube_groups: textsField(user, "kube_groups"),
      ...(user.roles ? { roles: textsField(user, "roles") } : {}),
    };
    return api.createSignupToken(invited, numberField(call.body(), "ttl") / NANOSECONDS_PER_MS);
  }),
  route("GET", "/signuptokens/:token", async (api, call) => {
    const { token, user, qr, otp_key } = await api.getSignupToken(
      call.param("token"),
      call.query("remote_addr")[0],
    );
    return { token, user, qrimg: qr, otp_key };
  }),
  route("POST", "/signuptokens/users", (api, call) => {
    const body = call.body();
    return api.createUserWithToken({
      token: textField(body, "token"),
      password: textField(body, "password"),
      otp_token: textField(body, "otp_token"),
      ...(body.remote_addr ? { remote_addr: textField(body, "remote_addr") } : {}),
    });
  }),

  route("POST", "/users/:user/ssh/authenticate", (api, call) => {
    const body = call.body();
    const request: SshLoginRequest = {
      ...credentials(call),
      public_key: textField(body, "public_key"),
      ttl: numberField(body, "ttl"),
      compatibility_mode: textField(body, "compatibility_mode"),
      route_to_cluster: textField(body, "route_to_cluster"),
    };
    return api.authenticateSsh(request);
  }),
  route("POST", "/users/:user/web/authenticate", (api, call) => {
    const body = call.body();
    const request: WebLoginRequest = {
      ...credentials(call),
      ...(body.session ? { session: { id: textField(objectField(body, "session"), "id") } } : {}),
    };
    return api.authenticateWeb(request);
  }),
  route("DELETE", "/users/:user/web/sessions/:sid", (api, call) =>
    api.deleteWebSession(call.param("user"), call.param("sid")),
  ),
];

/** What both logins have in common. The user is the one of the path, whatever the body says. */
function credentials(call: RestCall): Pick<SshLoginRequest, "username" | "pass" | "otp" | "remote_addr"> {
  const body = call.body();
  const pass = body.pass ? objectField(body, "pass") : undefined;
  const otp = body.otp ? objectField(body, "otp") : undefined;
  return {
    username: call.param("user"),
    ...(pass && { pass: { password: textField(pass, "password") } }),
    ...(otp && { otp: { password: textField(otp, "password"), token: textField(otp, "token") } }),
    ...(body.remote_addr ? { remote_addr: textField(body, "remote_addr") } : {}),
  };
}
