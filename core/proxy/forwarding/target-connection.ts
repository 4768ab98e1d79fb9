/** The SSH connection to the server behind a forwarded connection, logged in with the client's own agent. */
import { unavailable } from "../../errors/error.js";
import { RECORDING_PROOF_REQUEST, recordingProof } from "../../session/recording-proof.js";
import type { SshAgent } from "../../ssh/agent.js";
import { connectSsh } from "../../ssh/client.js";
import type { SshAlgorithms, SshConnection, SshLimits, SshSigner } from "../../ssh/contract.js";
import { parseSshCertificate } from "../../pki/ssh-certificate.js";
import { dialSshServer } from "../ssh/dial-node.js";
import { checkTargetHost, type TargetHostCheckOptions } from "./target-host-check.js";
import type { ForwardingTarget } from "./target.js";

/** How to connect to a target. */
export interface TargetConnectionOptions extends Omit<TargetHostCheckOptions, "allowSha1"> {
  readonly target: ForwardingTarget;
  /** The cluster user, whose certificates alone are used. */
  readonly user: string;
  readonly login: string;
  /** `ip:port`, handed over to nodes. */
  readonly clientAddress: string;
  /** The proxy's own host keys. */
  readonly hostSigners: () => readonly SshSigner[];
  /** Opens the client's agent. Throws `access_denied` where there is none. */
  readonly openAgent: () => Promise<SshAgent>;
  readonly algorithms: SshAlgorithms;
  readonly limits: SshLimits;
  /** Called once for every connection that is made. */
  readonly onConnection: (connection: SshConnection) => void;
}

/**
 * Connects when the first channel needs it, since a client offers its agent only on its first channel, and once for all
 * channels. A failed attempt, or a connection that is lost, is followed by another one with the next channel. It outlasts
 * the client as long as programs run on it, since others may have joined their sessions.
 */
export class TargetConnection {
  readonly #options: TargetConnectionOptions;
  #connection: Promise<SshConnection> | undefined;
  #clientLeft = false;
  #programs = 0;

  constructor(options: TargetConnectionOptions) {
    this.#options = options;
  }

  /**
   * The connection. Throws `access_denied` without an agent, for a host that is not the one that was dialled, and where
   * no key of the agent is let in; `unavailable` where the target cannot be reached.
   */
  open(): Promise<SshConnection> {
    const connecting = (this.#connection ??= this.#connect());
    const forget = (): void => {
      if (this.#connection === connecting) this.#connection = undefined;
    };
    connecting.then((connection) => connection.whenClosed).then(forget, forget);
    return connecting;
  }

  /** Keeps the connection for a program until the returned function is called, once. */
  hold(): () => void {
    this.#programs += 1;
    return () => {
      this.#programs -= 1;
      if (this.#clientLeft) this.#endUnlessHeld();
    };
  }

  /** The client has gone: ends the connection, also one that is being made, once no program holds it. */
  clientLeft(): void {
    this.#clientLeft = true;
    this.#endUnlessHeld();
  }

  #endUnlessHeld(): void {
    if (this.#programs > 0) return;
    this.#connection?.then(
      (connection) => connection.disconnect("The client has left"),
      () => undefined,
    );
  }

  async #connect(): Promise<SshConnection> {
    const { target, login, clientAddress, clock, log, algorithms, limits } = this.#options;
    const agent = await this.#options.openAgent();
    try {
      const connection = await connectSsh({
        stream: await dialSshServer(target.address, clientAddress, clock),
        user: login,
        signers: async () => usableSigners(await agent.signers(), this.#options.user),
        verifyHost: (host) =>
          checkTargetHost(host, target, { ...this.#options, allowSha1: algorithms.allowSha1 === true }),
        algorithms,
        limits,
        log,
        clock,
      });
      await this.#proveRecording(connection);
      if (this.#clientLeft) connection.disconnect("The client has left");
      this.#options.onConnection(connection);
      return connection;
    } finally {
      agent.close();
    }
  }

  /** Nodes that know the request leave the record of their sessions to this proxy; all other servers refuse it. */
  async #proveRecording(connection: SshConnection): Promise<void> {
    const [signer] = this.#options.hostSigners();
    if (signer === undefined) throw unavailable("this proxy has no host key");
    const proof = await recordingProof(signer, connection.sessionId);
    await connection.globalRequest(RECORDING_PROOF_REQUEST, false, proof);
  }
}

/**
 * The keys to try, those with certificates first, since servers count what they refuse. A certificate of another user would
 * let the target know the client by another name than the audit does.
 */
function usableSigners(signers: readonly SshSigner[], user: string): SshSigner[] {
  const certified = signers.filter(
    ({ certificate }) => certificate !== undefined && parseSshCertificate(certificate).keyId === user,
  );
  return [...certified, ...signers.filter(({ certificate }) => certificate === undefined)];
}
