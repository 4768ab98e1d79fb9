import { badParameter } from "../../../errors/error.js";
import type { Rotation } from "../../../resources/authority.js";
import { SYSTEM_ROLES, type SystemRole } from "../../../grammar/system-roles.js";
import { numberField, objectField, textField, textsField, type JsonObject } from "../request-body.js";
import { route, type Route } from "../route.js";

/** Endpoints of join tokens and of the certificates of hosts. */
export const joiningRoutes: readonly Route[] = [
  route("POST", "/tokens", (api, call) => {
    const body = call.body();
    return api.generateToken({
      roles: textsField(body, "roles").map(systemRole),
      ttl: numberField(body, "ttl"),
      token: textField(body, "token"),
      ...(body.single_use === true && { single_use: true }),
    });
  }),
  route("PUT", "/tokens", (api, call) => {
    const body = call.body();
    const fields = objectField(body, "token");
    const token = {
      token: textField(fields, "token"),
      roles: textsField(fields, "roles").map(systemRole),
      expires: textField(fields, "expires"),
      ...(fields.single_use === true && { single_use: true }),
    };
    return body.overwrite === true ? api.upsertToken(token) : api.createToken(token);
  }),
  route("GET", "/tokens", (api) => api.getTokens()),
  route("GET", "/tokens/:token", (api, call) => api.getToken(call.param("token"))),
  route("DELETE", "/tokens/:token", (api, call) => api.deleteToken(call.param("token"))),
  route("POST", "/tokens/register", (api, call) => {
    const body = call.body();
    return api.registerUsingToken({
      hostID: textField(body, "hostID"),
      node_name: textField(body, "node_name"),
      role: systemRole(textField(body, "role")),
      token: textField(body, "token"),
      ...hostNamesAndKeys(body),
      // Who is believed is for the service to decide.
      remote_addr: textField(body, "remote_addr") || call.remoteAddress,
    });
  }),
  route("POST", "/server/credentials", (api, call) => {
    const body = call.body();
    return api.generateServerKeys({
      host_id: textField(body, "host_id"),
      node_name: textField(body, "node_name"),
      roles: textsField(body, "roles").map(systemRole),
      ...hostNamesAndKeys(body),
      remote_addr: call.remoteAddress,
      ...(body.rotation ? { rotation: objectField(body, "rotation") as unknown as Rotation } : {}),
    });
  }),
  route("POST", "/ca/host/certs", (api, call) => {
    const body = call.body();
    return api.generateHostCert({
      key: textField(body, "key"),
      hostname: textField(body, "hostname"),
      node_name: textField(body, "node_name"),
      principals: textsField(body, "principals"),
      auth_domain: textField(body, "auth_domain"),
      roles: textsField(body, "roles").map(systemRole),
      ttl: numberField(body, "ttl"),
    });
  }),
];

function hostNamesAndKeys(body: JsonObject): {
  additional_principals: string[];
  dns_names: string[];
  public_tls_key: string;
  public_ssh_key: string;
} {
  return {
    additional_principals: textsField(body, "additional_principals"),
    dns_names: textsField(body, "dns_names"),
    public_tls_key: textField(body, "public_tls_key"),
    public_ssh_key: textField(body, "public_ssh_key"),
  };
}

function systemRole(text: string): SystemRole {
  const role = SYSTEM_ROLES.find((known) => known === text);
  if (!role) throw badParameter(`'${text}' is no role of a host, expected 'Node', 'Proxy' or 'Auth'`);
  return role;
}
