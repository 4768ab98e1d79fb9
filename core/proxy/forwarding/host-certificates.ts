/** Host certificates for the servers that the recording proxy stands in for, made as clients name them. */
import type { AuthApi } from "../../auth/client/api.js";
import type { ClusterView } from "../../auth/client/view.js";
import { generateEd25519KeyPair } from "../../pki/keys.js";
import { parseSshCertificateLine } from "../../pki/ssh-certificate.js";
import { sshPublicLine } from "../../pki/ssh-key.js";
import type { Clock } from "../../plugin/clock.js";
import type { SshSigner } from "../../ssh/contract.js";
import { createSigner } from "../../ssh/signer.js";

/** What the certificates are made with. */
export interface HostCertificateOptions {
  readonly api: Pick<AuthApi, "generateHostCert">;
  readonly view: Pick<ClusterView, "clusterName" | "onChange">;
  readonly clock: Clock;
  /** How many certificates are kept; 4,000 by default. */
  readonly capacity?: number;
}

const CAPACITY = 4_000;
const KEPT_MS = 24 * 3_600_000;
/** Longer than a certificate is kept, so that none is presented in its last hour. */
const LIFETIME_MS = KEPT_MS + 3_600_000;
const NANOSECONDS_PER_MS = 1e6;

interface Entry {
  readonly signer: Promise<SshSigner>;
  readonly keptUntil: number;
}

/**
 * Certificates of one key, which lives as long as this process, for the names that clients dial. Certificates are kept
 * for a day, the least recently used leaving first; names asked for twice at once cost one certificate. A change of the
 * cluster's authorities drops them all, since a rotated authority must vouch for the next client.
 */
export class HostCertificates {
  readonly #options: HostCertificateOptions;
  readonly #pair = generateEd25519KeyPair();
  /** In the order of use. */
  readonly #entries = new Map<string, Entry>();
  readonly #unsubscribe: () => void;

  constructor(options: HostCertificateOptions) {
    this.#options = options;
    this.#unsubscribe = options.view.onChange("cert_authority", () => this.#entries.clear());
  }

  /** A signer that proves all the names, of which the first is the dialled one. Throws what the auth service throws. */
  signer(names: readonly string[]): Promise<SshSigner> {
    const key = names.join("\n");
    const now = this.#options.clock.now().getTime();
    const known = this.#entries.get(key);
    this.#entries.delete(key);
    const entry =
      known !== undefined && known.keptUntil > now
        ? known
        : { signer: this.#issue(names), keptUntil: now + KEPT_MS };
    this.#entries.set(key, entry);
    entry.signer.catch(() => {
      if (this.#entries.get(key) === entry) this.#entries.delete(key);
    });
    this.#evict();
    return entry.signer;
  }

  /** Stops following the authorities. */
  close(): void {
    this.#unsubscribe();
  }

  async #issue(names: readonly string[]): Promise<SshSigner> {
    const { api, view } = this.#options;
    const line = await api.generateHostCert({
      key: Buffer.from(sshPublicLine(this.#pair.publicKey)).toString("base64"),
      hostname: "",
      node_name: "",
      principals: [...names],
      auth_domain: view.clusterName,
      roles: ["Node"],
      ttl: LIFETIME_MS * NANOSECONDS_PER_MS,
    });
    return createSigner(this.#pair.privateKey, parseSshCertificateLine(line).blob);
  }

  #evict(): void {
    for (const key of this.#entries.keys()) {
      if (this.#entries.size <= (this.#options.capacity ?? CAPACITY)) return;
      this.#entries.delete(key);
    }
  }
}
