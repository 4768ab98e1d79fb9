import { X509Certificate } from "node:crypto";
import { readFile } from "node:fs/promises";
import tls, { type SecureContext } from "node:tls";
import { badParameter, errorMessage, type Clock, type Logger } from "@teleport/plugin";
import type { EtcdSettings } from "./settings.js";

/** How often the files are looked at. */
const LOOK_MS = 5000;

type Files = Pick<EtcdSettings, "certFile" | "keyFile" | "caFile" | "username" | "passwordFile">;

/**
 * What etcd is shown and what is believed of it: certificate, key, authorities, password. The files are read again when
 * they change; one that cannot be used leaves the last good one in force, with a warning.
 */
export class Access {
  #context: SecureContext | undefined;
  #material = "";
  #password: string | undefined;
  #complaint = "";

  constructor(
    private readonly files: Files,
    private readonly log: Logger,
  ) {}

  get username(): string | undefined {
    return this.files.username;
  }

  /** The TLS context of new connections. */
  get context(): SecureContext {
    return (this.#context ??= tls.createSecureContext());
  }

  /** Reads all files. Throws `bad_parameter` that names the file which cannot be used. */
  async load(): Promise<void> {
    await this.#loadContext();
    if (this.files.passwordFile !== undefined) await this.#loadPassword(this.files.passwordFile);
  }

  /** The password as the file has it now, or had it while it could be read. */
  async password(): Promise<string> {
    if (this.files.passwordFile === undefined) return "";
    await this.#tolerate(this.#loadPassword(this.files.passwordFile));
    return this.#password ?? "";
  }

  /** Calls `changed` whenever new connections would be made with other certificates, until aborted. */
  async follow(changed: () => void, clock: Clock, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await clock.sleep(LOOK_MS, signal).catch(() => undefined);
      if (signal.aborted) return;
      const before = this.#context;
      await this.#tolerate(this.#loadContext());
      if (this.#context !== before) {
        this.log.info("the certificates for etcd have changed; new connections use them");
        changed();
      }
    }
  }

  async #loadContext(): Promise<void> {
    const { certFile, keyFile, caFile } = this.files;
    const [cert, key, ca] = await Promise.all([certFile, keyFile, caFile].map(read));
    const material = JSON.stringify([cert, key, ca]);
    if (material === this.#material) return;
    if (ca !== undefined) checkCertificate(ca, caFile, "tls_ca_file");
    if (cert !== undefined) checkCertificate(cert, certFile, "tls_cert_file");
    try {
      this.#context = tls.createSecureContext({
        ...(ca !== undefined && { ca }),
        ...(cert !== undefined && { cert }),
        ...(key !== undefined && { key }),
        minVersion: "TLSv1.2",
      });
    } catch (cause) {
      throw badParameter(
        `tls_key_file ${keyFile ?? ""} is no private key of tls_cert_file ${certFile ?? ""}`,
        { cause },
      );
    }
    this.#material = material;
    this.#complaint = "";
  }

  async #loadPassword(file: string): Promise<void> {
    const password = (await read(file))?.trim();
    if (!password) throw badParameter(`password_file ${file} is empty`);
    this.#password = password;
  }

  /** Says once what is wrong with a changed file. */
  async #tolerate(load: Promise<void>): Promise<void> {
    try {
      await load;
    } catch (error) {
      const complaint = errorMessage(error);
      if (complaint === this.#complaint) return;
      this.#complaint = complaint;
      this.log.warn("a file for etcd cannot be used; going on with what it held before", {
        error: complaint,
      });
    }
  }
}

async function read(file: string | undefined): Promise<string | undefined> {
  if (file === undefined) return undefined;
  try {
    return await readFile(file, "utf8");
  } catch (cause) {
    throw badParameter(`${file} cannot be read: ${errorMessage(cause)}`, { cause });
  }
}

function checkCertificate(pem: string, file: string | undefined, key: string): void {
  try {
    new X509Certificate(pem);
  } catch (cause) {
    throw badParameter(`${key} ${file ?? ""} holds no certificate in PEM format`, { cause });
  }
}
