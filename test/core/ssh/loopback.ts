/** A server and a client in one process, over an in-memory stream. */
import type { Duplex } from "node:stream";
import { checkSshCertificate } from "../../../core/pki/ssh-certificate.js";
import { systemClock } from "../../../core/plugin/clock.js";
import { silentLogger } from "../../../core/plugin/logger.js";
import { connectSsh, type SshClientOptions } from "../../../core/ssh/client.js";
import type { SshConnection, SshSigner } from "../../../core/ssh/contract.js";
import { DEFAULT_LIMITS } from "../../../core/ssh/limits.js";
import { createSshServer, type SshServer, type SshServerOptions } from "../../../core/ssh/server.js";
import { TestAuthority } from "./authority.js";
import { duplexPair } from "./duplex-pair.js";

/** Addresses of the streams that tests hand to servers. */
export const ADDRESSES = { remote: "192.0.2.7:4711", local: "192.0.2.1:3022" };

/** Everything a test needs to connect to its own server. */
export class Loopback {
  readonly authority: TestAuthority;
  readonly server: SshServer;
  readonly accepted: SshConnection[] = [];
  readonly hostSigners: SshSigner[];
  readonly #userSigner: SshSigner;

  private constructor(
    authority: TestAuthority,
    host: SshSigner,
    user: SshSigner,
    options: Partial<SshServerOptions>,
  ) {
    this.authority = authority;
    this.hostSigners = [host];
    this.#userSigner = user;
    this.server = createSshServer({
      hostSigners: () => this.hostSigners,
      limits: DEFAULT_LIMITS,
      authorities: () => [authority.publicBlob],
      log: silentLogger,
      clock: systemClock,
      ...options,
      onConnection: (connection) => {
        this.accepted.push(connection);
        options.onConnection?.(connection);
      },
    });
  }

  static async create(options: Partial<SshServerOptions> = {}): Promise<Loopback> {
    const authority = await TestAuthority.create();
    return new Loopback(authority, await authority.signer("host"), await authority.signer("user"), options);
  }

  /** The client's end of a stream that the server has accepted. */
  stream(): Duplex {
    const [serverEnd, clientEnd] = duplexPair();
    this.server.accept(serverEnd, ADDRESSES);
    return clientEnd;
  }

  connect(options: Partial<SshClientOptions> = {}): Promise<SshConnection> {
    return connectSsh({
      stream: this.stream(),
      user: "root",
      signers: () => Promise.resolve([this.#userSigner]),
      verifyHost: ({ certificate }) => {
        if (certificate === undefined) throw new Error("plain host key");
        const authorities = [this.authority.publicBlob];
        checkSshCertificate(certificate, { type: "host", authorities, principal: "node1", now: new Date() });
      },
      ...options,
    });
  }
}
