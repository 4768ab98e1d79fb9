/** A connection's login, as PAM sees it. */
import type { UserIdentity } from "../../access/user-identity.js";
import { hostOf } from "../../grammar/address.js";
import type { SshConnection } from "../../ssh/contract.js";
import type { Account } from "../account.js";
import type { NodeContext } from "../node-context.js";
import { moduleVariables } from "./pam-environment.js";
import { admitByPam } from "./pam-guard.js";
import type { PamRequest } from "./pam-messages.js";
import type { PamSettings } from "./pam-settings.js";

/** What every request to PAM for a connection has in common. */
export function pamLogin(
  pam: PamSettings,
  connection: SshConnection,
  identity: UserIdentity,
  account: Account,
): Omit<PamRequest, "launch" | "tools" | "terminal"> {
  return {
    service: pam.service,
    login: account.name,
    gid: account.gid,
    user: identity.user,
    remoteHost: hostOf(connection.remoteAddress),
    variables: moduleVariables(identity, account.name, pam.environment),
    authenticate: pam.authenticate,
  };
}

/**
 * Whether PAM admits the login of a connection that forwards something, which takes no session of its own: it is asked
 * once for each connection, at the first need. Throws `access_denied` with what PAM says; without PAM everybody is admitted.
 */
export function pamAdmission(
  context: NodeContext,
  connection: SshConnection,
  identity: UserIdentity,
): () => Promise<void> {
  let admission: Promise<void> | undefined;
  const ask = async (pam: PamSettings): Promise<void> => {
    const { tools, log, clock } = context;
    const account = await context.lookupAccount(connection.user);
    const login = pamLogin(pam, connection, identity, account);
    await admitByPam({
      ...{ tools, log, clock, streams: "ignore" },
      request: { ...login, tools, launch: undefined, terminal: undefined },
    });
  };
  return () => {
    const { pam } = context.settings;
    if (pam === undefined) return Promise.resolve();
    admission ??= ask(pam);
    return admission;
  };
}
