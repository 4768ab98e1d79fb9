/** User authentication, server side (RFC 4252): public keys with certificates, and nothing else. */
import { accessDenied, errorMessage, hasCode } from "../errors/error.js";
import { hostOf } from "../grammar/address.js";
import { checkSshCertificate, parseSshCertificate, type SshCertificate } from "../pki/ssh-certificate.js";
import { verifySsh } from "../pki/ssh-key.js";
import { SshReader, SshWriter } from "../pki/ssh-wire.js";
import type { Clock } from "../plugin/clock.js";
import { acceptedSignatures, publicKeyAlgorithm, type PublicKeyAlgorithm } from "./algorithms.js";
import type { AuthAttempt, AuthFailure } from "./contract.js";
import { MAX_PLAIN_KEY_OFFERS } from "./limits.js";
import { AUTH_SERVICE, CONNECTION_SERVICE, DISCONNECT, MESSAGE } from "./messages.js";
import type { SshTransport } from "./transport.js";

/** What decides who gets in. */
export interface AuthenticationPolicy {
  /** Public blobs of the trusted authorities, asked for at every attempt. */
  readonly authorities: () => readonly Buffer[];
  readonly certificateType: "user" | "host";
  readonly allowSha1: boolean;
  readonly maxAuthTries: number;
  readonly banner: string | undefined;
  /** Throws `access_denied` to refuse somebody whose certificate is good. */
  readonly authorize: ((attempt: AuthAttempt) => void | Promise<void>) | undefined;
  readonly failed: ((failure: AuthFailure) => void) | undefined;
  readonly clock: Clock;
}

/** Where the client comes from. */
export interface ClientAddresses {
  readonly remoteAddress: string;
  readonly localAddress: string;
}

interface PublicKeyRequest {
  readonly user: string;
  readonly algorithm: PublicKeyAlgorithm;
  readonly blob: Buffer;
  /** The proof of possession; absent where the client only asks whether the key would do. */
  readonly proof: { readonly signature: Buffer; readonly signed: Buffer } | undefined;
}

/** Requests that a client may send before the answer to the first one. */
const MAX_WAITING = 16;
const METHOD = "publickey";

/** Authenticates one client; calls `succeeded` once, when the client has been told so. */
export class ServerAuthentication {
  readonly #transport: SshTransport;
  readonly #policy: AuthenticationPolicy;
  readonly #addresses: () => ClientAddresses;
  readonly #succeeded: (user: string, certificate: SshCertificate) => void;
  #serviceGranted = false;
  #failures = 0;
  #plainKeys = 0;
  #waiting: Buffer[] = [];
  #busy = false;
  #done = false;

  constructor(
    transport: SshTransport,
    policy: AuthenticationPolicy,
    addresses: () => ClientAddresses,
    succeeded: (user: string, certificate: SshCertificate) => void,
  ) {
    this.#transport = transport;
    this.#policy = policy;
    this.#addresses = addresses;
    this.#succeeded = succeeded;
  }

  /** Handles one message. Throws `bad_parameter` where the client breaks the protocol. */
  receive(payload: Buffer): void {
    switch (payload[0] ?? 0) {
      case MESSAGE.serviceRequest:
        return this.#service(new SshReader(payload, 1).text());
      case MESSAGE.userauthRequest:
        if (!this.#serviceGranted || this.#waiting.length >= MAX_WAITING) return this.#breach();
        this.#waiting.push(Buffer.from(payload));
        void this.#work();
        return;
      case MESSAGE.extInfo:
        return;
      default:
        return this.#breach();
    }
  }

  #service(name: string): void {
    if (name !== AUTH_SERVICE) {
      this.#transport.disconnect(DISCONNECT.serviceNotAvailable, `service ${AUTH_SERVICE} comes first`);
      return;
    }
    this.#transport.send(new SshWriter().byte(MESSAGE.serviceAccept).string(name).toBuffer());
    if (!this.#serviceGranted && this.#policy.banner) {
      const banner = this.#policy.banner.replace(/\r?\n/g, "\r\n").replace(/(\r\n)?$/, "\r\n");
      this.#transport.send(new SshWriter().byte(MESSAGE.userauthBanner).string(banner).string("").toBuffer());
    }
    this.#serviceGranted = true;
  }

  /** Handles requests one after the other: each answer must leave before the next request is looked at. */
  async #work(): Promise<void> {
    if (this.#busy) return;
    this.#busy = true;
    for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift()) {
      if (this.#done || this.#transport.closed) return;
      try {
        await this.#attempt(next);
      } catch (error) {
        this.#fail({ user: "", reason: `malformed authentication request: ${errorMessage(error)}` });
      }
    }
    this.#busy = false;
  }

  async #attempt(payload: Buffer): Promise<void> {
    const reader = new SshReader(payload, 1);
    const user = reader.text();
    const service = reader.text();
    const method = reader.text();
    if (service !== CONNECTION_SERVICE) {
      this.#transport.disconnect(DISCONNECT.serviceNotAvailable, "no such service");
      return;
    }
    // Clients ask with `none` what there is.
    if (method === "none") return this.#refuse();
    if (method !== METHOD)
      return this.#fail({ user, reason: `authentication method ${JSON.stringify(method)} is not offered` });
    const request = this.#readPublicKey(user, reader, payload);
    if (request === undefined) return;
    let certificate: SshCertificate | undefined;
    let verified = false;
    try {
      certificate = parseSshCertificate(request.blob);
      if (!this.#verify(request, certificate)) return;
      verified = true;
      await this.#admit(user, certificate);
    } catch (error) {
      const reason =
        hasCode(error, "access_denied") || hasCode(error, "bad_parameter") ? "" : "cannot decide: ";
      this.#fail({ user, reason: reason + errorMessage(error), certificate, verified });
    }
  }

  #readPublicKey(user: string, reader: SshReader, payload: Buffer): PublicKeyRequest | undefined {
    const isSigned = reader.boolean();
    const name = reader.text();
    const blob = reader.string();
    const algorithm = publicKeyAlgorithm(name);
    if (algorithm === undefined || !algorithm.isCertificate) {
      this.#plainKey(user, name);
      return undefined;
    }
    const signed = payload.subarray(0, payload.length - reader.rest().length);
    if (!isSigned) return { user, algorithm, blob, proof: undefined };
    const signature = new SshReader(payload, signed.length).string();
    return { user, algorithm, blob, proof: { signature, signed } };
  }

  /** Checks a certificate and who shows it; false where the client only asked. Throws `access_denied`. */
  #verify(request: PublicKeyRequest, certificate: SshCertificate): boolean {
    if (certificate.format !== request.algorithm.format) {
      throw accessDenied(`the certificate is no ${request.algorithm.name}`);
    }
    checkSshCertificate(certificate, {
      type: this.#policy.certificateType,
      authorities: this.#policy.authorities(),
      principal: request.user,
      now: this.#policy.clock.now(),
      allowSha1: this.#policy.allowSha1,
      sourceAddress: hostOf(this.#addresses().remoteAddress),
    });
    if (request.proof === undefined) {
      const ok = new SshWriter()
        .byte(MESSAGE.userauthPkOk)
        .string(request.algorithm.name)
        .string(request.blob);
      this.#transport.send(ok.toBuffer());
      return false;
    }
    this.#verifyProof(request.algorithm, certificate, request.proof);
    return true;
  }

  async #admit(user: string, certificate: SshCertificate): Promise<void> {
    await this.#policy.authorize?.({ user, ...this.#addresses(), certificate });
    if (this.#transport.closed) return;
    this.#done = true;
    this.#transport.send(Buffer.of(MESSAGE.userauthSuccess));
    this.#succeeded(user, certificate);
  }

  #verifyProof(
    algorithm: PublicKeyAlgorithm,
    certificate: SshCertificate,
    proof: { readonly signature: Buffer; readonly signed: Buffer },
  ): void {
    const reader = new SshReader(proof.signature);
    const name = reader.text();
    const signature = reader.string();
    if (!acceptedSignatures(algorithm, this.#policy.allowSha1).includes(name)) {
      throw accessDenied(
        name === "ssh-rsa"
          ? 'the client signs with SHA-1, which only `teleport.compatibility: "4.2"` allows'
          : `signature algorithm ${JSON.stringify(name)} does not fit ${algorithm.name}`,
      );
    }
    const signed = Buffer.concat([
      new SshWriter().string(this.#transport.sessionId).toBuffer(),
      proof.signed,
    ]);
    if (!verifySsh(certificate.publicBlob, name, signature, signed)) {
      throw accessDenied("the client does not hold the key of its certificate");
    }
  }

  /** A key without a certificate never gets in; agents offer all they hold, so the first ones are no failed tries. */
  #plainKey(user: string, algorithm: string): void {
    if (++this.#plainKeys <= MAX_PLAIN_KEY_OFFERS) return this.#refuse();
    this.#fail({ user, reason: `${JSON.stringify(algorithm)} is no certificate` });
  }

  #fail(failure: Pick<AuthFailure, "user" | "reason"> & Partial<AuthFailure>): void {
    this.#policy.failed?.({ certificate: undefined, verified: false, ...failure, ...this.#addresses() });
    if (++this.#failures < this.#policy.maxAuthTries) return this.#refuse();
    this.#transport.disconnect(DISCONNECT.noMoreAuthMethods, "Too many authentication failures");
  }

  #refuse(): void {
    this.#transport.send(
      new SshWriter().byte(MESSAGE.userauthFailure).string(METHOD).boolean(false).toBuffer(),
    );
  }

  #breach(): void {
    this.#transport.disconnect(DISCONNECT.protocolError, "not authenticated");
  }
}
