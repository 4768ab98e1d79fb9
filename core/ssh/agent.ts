/** Client of an SSH agent (draft-miller-ssh-agent), at a socket or over a forwarded channel. */
import type { KeyObject } from "node:crypto";
import { connect } from "node:net";
import type { Duplex } from "node:stream";
import { accessDenied, badParameter, errorMessage, unavailable } from "../errors/error.js";
import { parseSshCertificate } from "../pki/ssh-certificate.js";
import { sshPublicBlob } from "../pki/ssh-key.js";
import { SshReader, SshWriter } from "../pki/ssh-wire.js";
import { AGENT, agentMessages, CONSTRAIN_LIFETIME, frameAgentMessage, SIGN_FLAGS } from "./agent-protocol.js";
import { CERTIFICATE_SUFFIX } from "./algorithms.js";
import type { SshSigner } from "./contract.js";

/** A key or certificate that an agent holds. */
export interface AgentIdentity {
  /** The blob that names it: of the certificate, where it has one. */
  readonly blob: Buffer;
  readonly comment: string;
}

/** A key to put into an agent. */
export interface AgentKey {
  readonly privateKey: KeyObject;
  readonly certificate?: Buffer | undefined;
  readonly comment: string;
  /** The agent forgets the key after so long; never, without it. */
  readonly lifetimeMs?: number | undefined;
}

/** A connection to an agent. Requests are answered in order; all throw `unavailable` once it is gone. */
export class SshAgent {
  readonly #stream: Duplex;
  readonly #waiting: { resolve(answer: Buffer): void; reject(error: Error): void }[] = [];
  #lost: Error | undefined;

  /** Takes a connected stream, such as an `auth-agent@openssh.com` channel. */
  constructor(stream: Duplex) {
    this.#stream = stream;
    stream.on("error", (error: Error) => this.#fail(error));
    void this.#receive();
  }

  /** Connects to the socket that `SSH_AUTH_SOCK` names. Throws `unavailable` where nobody listens. */
  static async connect(path: string): Promise<SshAgent> {
    const socket = connect({ path });
    await new Promise<void>((resolve, reject) => {
      socket.once("connect", resolve);
      socket.once("error", (cause) => {
        reject(unavailable(`No SSH agent answers at ${path}: start one, or unset SSH_AUTH_SOCK`, { cause }));
      });
    });
    return new SshAgent(socket);
  }

  /** All keys and certificates that the agent holds. */
  async identities(): Promise<AgentIdentity[]> {
    const answer = await this.#ask(Buffer.of(AGENT.requestIdentities), AGENT.identitiesAnswer);
    const identities: AgentIdentity[] = [];
    for (let count = answer.uint32(); count > 0; count--) {
      identities.push({ blob: answer.string(), comment: answer.text() });
    }
    return identities;
  }

  /** Signers for what the agent holds and SSH authentication can use. */
  async signers(): Promise<SshSigner[]> {
    return (await this.identities()).flatMap(({ blob }) => this.#signer(blob) ?? []);
  }

  /** The raw signature field over data, by the key that `blob` names. Throws `access_denied` where the agent refuses. */
  async sign(blob: Buffer, data: Buffer, algorithm: string): Promise<Buffer> {
    const flags =
      algorithm === "rsa-sha2-512"
        ? SIGN_FLAGS.rsaSha512
        : algorithm === "rsa-sha2-256"
          ? SIGN_FLAGS.rsaSha256
          : 0;
    const request = new SshWriter().byte(AGENT.signRequest).string(blob).string(data).uint32(flags);
    const signature = new SshReader((await this.#ask(request.toBuffer(), AGENT.signResponse)).string());
    const made = signature.text();
    if (made !== algorithm) {
      throw unavailable(
        `The SSH agent signed with ${JSON.stringify(made)}; it cannot make ${algorithm} signatures`,
      );
    }
    return signature.string();
  }

  /** Adds a key, with its certificate. The agent then also offers the plain key unless it was added with one. */
  async add(key: AgentKey): Promise<void> {
    const message = new SshWriter().byte(
      key.lifetimeMs === undefined ? AGENT.addIdentity : AGENT.addConstrained,
    );
    writePrivateKey(message, key);
    message.string(key.comment);
    if (key.lifetimeMs !== undefined) {
      message.byte(CONSTRAIN_LIFETIME).uint32(Math.max(1, Math.floor(key.lifetimeMs / 1000)));
    }
    await this.#ask(message.toBuffer(), AGENT.success);
  }

  /** Removes the key or certificate that `blob` names. Throws `access_denied` where the agent does not hold it. */
  async remove(blob: Buffer): Promise<void> {
    await this.#ask(new SshWriter().byte(AGENT.removeIdentity).string(blob).toBuffer(), AGENT.success);
  }

  /** Ends the connection. */
  close(): void {
    this.#fail(unavailable("The SSH agent connection was closed"));
    this.#stream.destroy();
  }

  #signer(blob: Buffer): SshSigner | undefined {
    try {
      const format = new SshReader(blob).text();
      const certificate = format.endsWith(CERTIFICATE_SUFFIX) ? parseSshCertificate(blob) : undefined;
      return {
        keyType: certificate?.keyType ?? format,
        publicBlob: certificate?.publicBlob ?? blob,
        certificate: certificate?.blob,
        privateKey: undefined,
        sign: (data, algorithm) => this.sign(blob, data, algorithm),
      };
    } catch {
      // Agents may hold kinds of keys that we do not know, such as hardware-backed ones.
      return undefined;
    }
  }

  async #ask(message: Buffer, expected: number): Promise<SshReader> {
    const answer = await new Promise<Buffer>((resolve, reject) => {
      if (this.#lost !== undefined) {
        reject(this.#lost);
        return;
      }
      this.#waiting.push({ resolve, reject });
      this.#stream.write(frameAgentMessage(message));
    });
    if (answer[0] === AGENT.failure) throw accessDenied("The SSH agent refused the request");
    if (answer[0] !== expected)
      throw unavailable(`The SSH agent gave an unexpected answer (${String(answer[0])})`);
    return new SshReader(answer, 1);
  }

  async #receive(): Promise<void> {
    try {
      for await (const message of agentMessages(this.#stream))
        this.#waiting.shift()?.resolve(Buffer.from(message));
      this.#fail(unavailable("The SSH agent closed the connection"));
    } catch (error) {
      this.#fail(unavailable(`The SSH agent connection failed: ${errorMessage(error)}`, { cause: error }));
    }
  }

  #fail(error: Error): void {
    this.#lost ??= error;
    for (const waiting of this.#waiting.splice(0)) waiting.reject(this.#lost);
  }
}

/** Writes the key type and private fields of §3.2, with the certificate in place of the public ones. */
function writePrivateKey(message: SshWriter, key: AgentKey): void {
  const jwk = key.privateKey.export({ format: "jwk" });
  const field = (name: "n" | "e" | "d" | "p" | "q" | "qi" | "x"): Buffer =>
    Buffer.from(jwk[name] ?? "", "base64url");
  const publicBlob = new SshReader(sshPublicBlob(key.privateKey));
  const type = publicBlob.text();
  message.string(key.certificate === undefined ? type : type + CERTIFICATE_SUFFIX);
  if (key.certificate !== undefined) message.string(key.certificate);
  switch (jwk.kty ?? "") {
    case "OKP":
      if (key.certificate !== undefined) message.string(field("x"));
      else message.raw(publicBlob.rest());
      message.string(Buffer.concat([field("d"), field("x")]));
      return;
    case "EC":
      if (key.certificate === undefined) message.raw(publicBlob.rest());
      message.mpint(field("d"));
      return;
    case "RSA":
      if (key.certificate === undefined) message.mpint(field("n")).mpint(field("e"));
      message.mpint(field("d")).mpint(field("qi")).mpint(field("p")).mpint(field("q"));
      return;
    default:
      throw badParameter("An SSH agent takes Ed25519, ECDSA and RSA keys only");
  }
}
