/** What one connection may forward, and what it does forward at the moment. */
import { mayForwardAgent, mayForwardPorts, mayForwardX11 } from "../access/user-identity.js";
import { ForwardingAudit, type ForwardKind } from "../session/forwarding-audit.js";
import { Forwards } from "../session/forwards.js";
import type { LiveIdentity } from "../session/live-identity.js";
import type { SshConnection } from "../ssh/contract.js";
import type { NodeContext } from "./node-context.js";
import { LoginSockets } from "./login-sockets.js";
import { pamAdmission } from "./pam/pam-account.js";

/** The forwarding of one connection. */
export class ConnectionForwarding {
  readonly context: NodeContext;
  readonly connection: SshConnection;
  readonly audit: ForwardingAudit;
  readonly forwards: Forwards;
  readonly sockets: LoginSockets;
  /** Throws `access_denied` where this host's PAM does not admit the login; forwards have no session of their own. */
  readonly admission: () => Promise<void>;
  readonly #identity: LiveIdentity;

  constructor(context: NodeContext, connection: SshConnection, identity: LiveIdentity) {
    this.context = context;
    this.connection = connection;
    this.#identity = identity;
    this.admission = pamAdmission(context, connection, identity);
    this.audit = new ForwardingAudit({ context, connection, identity });
    this.forwards = new Forwards(connection, this.audit);
    const { tools, clock } = context;
    const account = (): ReturnType<NodeContext["lookupAccount"]> => context.lookupAccount(connection.user);
    this.sockets = new LoginSockets({ account, tools, clock });
    identity.onChange(() => this.#endWithdrawn());
  }

  /** Why ports and sockets may not be forwarded; undefined where they may. */
  portRefusal(): string | undefined {
    if (!this.context.settings.portForwarding) return "this node does not forward ports";
    return this.#refusal(mayForwardPorts(this.#identity), "port forwarding not allowed");
  }

  /** Why the client's agent may not be forwarded; undefined where it may. */
  agentRefusal(): string | undefined {
    return this.#refusal(
      mayForwardAgent(this.#identity, this.connection.user),
      "agent forwarding not allowed",
    );
  }

  /** Why the client's display may not be forwarded; undefined where it may. */
  x11Refusal(): string | undefined {
    if (this.context.settings.x11 === undefined) return "this node does not forward X11";
    return this.#refusal(mayForwardX11(this.#identity, this.connection.user), "X11 forwarding not allowed");
  }

  /** Ends at once what is no longer allowed. */
  #endWithdrawn(): void {
    const withdrawn: ForwardKind[] = [
      ...(this.portRefusal() === undefined ? [] : (["local", "remote", "listener"] as const)),
      ...(this.agentRefusal() === undefined ? [] : (["agent"] as const)),
      ...(this.x11Refusal() === undefined ? [] : (["x11"] as const)),
    ];
    this.forwards.withdraw(new Set(withdrawn));
  }

  /** A user who is shut out forwards nothing while the sessions are still told why. */
  #refusal(allowed: boolean, reason: string): string | undefined {
    return this.#identity.refusal ?? (allowed ? undefined : reason);
  }
}
