/** User authentication, client side (RFC 4252 §7): each signer in turn, until one is let in. */
import { accessDenied, errorMessage } from "../errors/error.js";
import { signatureAlgorithmsFor } from "../pki/ssh-key.js";
import { SshReader, SshWriter } from "../pki/ssh-wire.js";
import { CERTIFICATE_SUFFIX } from "./algorithms.js";
import type { SshSigner } from "./contract.js";
import { AUTH_SERVICE, CONNECTION_SERVICE, MESSAGE } from "./messages.js";
import type { SshTransport } from "./transport.js";

/** Who wants in, and with what. */
export interface ClientCredentials {
  readonly user: string;
  readonly signers: () => Promise<readonly SshSigner[]>;
  readonly allowSha1: boolean;
  readonly onBanner: ((text: string) => void) | undefined;
}

/** Authenticates to one server; calls exactly one of `succeeded` and `failed`. */
export class ClientAuthentication {
  readonly #transport: SshTransport;
  readonly #credentials: ClientCredentials;
  readonly #succeeded: () => void;
  readonly #failed: (error: Error) => void;
  #waiting: SshSigner[] = [];
  #current: SshSigner | undefined;
  #serverSignatures: readonly string[] | undefined;

  constructor(
    transport: SshTransport,
    credentials: ClientCredentials,
    succeeded: () => void,
    failed: (error: Error) => void,
  ) {
    this.#transport = transport;
    this.#credentials = credentials;
    this.#succeeded = succeeded;
    this.#failed = failed;
  }

  /** Asks for the authentication service; the first key exchange is done. */
  start(): void {
    this.#transport.send(new SshWriter().byte(MESSAGE.serviceRequest).string(AUTH_SERVICE).toBuffer());
  }

  /** Handles one message. Throws `bad_parameter` where the server breaks the protocol. */
  receive(payload: Buffer): void {
    switch (payload[0] ?? 0) {
      case MESSAGE.extInfo:
        return this.#extensions(new SshReader(payload, 1));
      case MESSAGE.serviceAccept:
        this.#run(async () => {
          this.#waiting = [...(await this.#credentials.signers())];
          await this.#next("it was offered no key");
        });
        return;
      case MESSAGE.userauthBanner:
        this.#credentials.onBanner?.(new SshReader(payload, 1).text());
        return;
      case MESSAGE.userauthPkOk: {
        const signer = this.#current;
        if (signer !== undefined) this.#run(() => this.#sendSigned(signer));
        return;
      }
      case MESSAGE.userauthSuccess:
        return this.#succeeded();
      case MESSAGE.userauthFailure: {
        const methods = new SshReader(payload, 1).text();
        this.#run(() => this.#next(`it accepts ${methods || "nothing else"}`));
        return;
      }
      default:
        this.#transport.sendUnimplemented();
    }
  }

  #run(step: () => Promise<void>): void {
    step().catch((error: unknown) => {
      this.#failed(error instanceof Error ? error : accessDenied(errorMessage(error)));
    });
  }

  async #next(lastAnswer: string): Promise<void> {
    const signer = this.#waiting.shift();
    this.#current = signer;
    if (signer === undefined) {
      const { user } = this.#credentials;
      this.#failed(accessDenied(`The SSH server refused to log in ${JSON.stringify(user)}: ${lastAnswer}`));
      return;
    }
    // A key in an agent may ask its owner for leave to sign, so it is only used where the server would take it.
    if (signer.privateKey === undefined) {
      this.#transport.send(this.#request(signer, this.#algorithm(signer), false).toBuffer());
    } else {
      await this.#sendSigned(signer);
    }
  }

  async #sendSigned(signer: SshSigner): Promise<void> {
    const algorithm = this.#algorithm(signer);
    const request = this.#request(signer, algorithm, true).toBuffer();
    const signed = Buffer.concat([new SshWriter().string(this.#transport.sessionId).toBuffer(), request]);
    const signature = new SshWriter().string(algorithm).string(await signer.sign(signed, algorithm));
    this.#transport.send(Buffer.concat([request, new SshWriter().string(signature.toBuffer()).toBuffer()]));
  }

  #request(signer: SshSigner, algorithm: string, isSigned: boolean): SshWriter {
    return new SshWriter()
      .byte(MESSAGE.userauthRequest)
      .string(this.#credentials.user)
      .string(CONNECTION_SERVICE)
      .string("publickey")
      .boolean(isSigned)
      .string(signer.certificate === undefined ? algorithm : algorithm + CERTIFICATE_SUFFIX)
      .string(signer.certificate ?? signer.publicBlob);
  }

  /** The best signature that the server names (RFC 8332 §3.3); a server that names none predates SHA-2 if SHA-1 is allowed. */
  #algorithm(signer: SshSigner): string {
    const own = signatureAlgorithmsFor(signer.keyType, this.#credentials.allowSha1);
    const named = this.#serverSignatures;
    const best = named === undefined ? undefined : own.find((name) => named.includes(name));
    const fallback = named === undefined && this.#credentials.allowSha1 ? own.at(-1) : own[0];
    return best ?? fallback ?? signer.keyType;
  }

  #extensions(reader: SshReader): void {
    for (let count = reader.uint32(); count > 0; count--) {
      const name = reader.text();
      const value = reader.text();
      if (name === "server-sig-algs") this.#serverSignatures = value.split(",");
    }
  }
}
