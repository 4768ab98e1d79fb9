import { createPublicKey, type KeyObject } from "node:crypto";
import { generateRsaKeyPair, privateKeyPem, type KeyPair } from "../../../../core/pki/keys.js";
import { createTlsAuthority, issueTlsCertificate } from "../../../../core/pki/x509.js";
import type { TrustedAuthority } from "../../../../core/auth/api/peer.js";
import type { AuthorityType } from "../../../../core/resources/authority.js";

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

/** A certificate with its key, as PEM. */
export interface TestCertificate {
  keyPem: string;
  certPem: string;
}

/** A cluster's two TLS authorities, and what a test needs them to sign. One key serves all: making keys is slow. */
export class TestPki {
  readonly authorities: TrustedAuthority[];

  private constructor(
    readonly cluster: string,
    readonly key: KeyPair,
    private readonly certificates: Readonly<Record<AuthorityType, { certPem: string; key: KeyObject }>>,
  ) {
    this.authorities = (["host", "user"] as const).map((type) => ({
      cluster,
      type,
      certPem: certificates[type].certPem,
    }));
  }

  static async create(cluster: string, now = new Date()): Promise<TestPki> {
    const [key, host, user] = await Promise.all([
      generateRsaKeyPair(),
      generateRsaKeyPair(),
      generateRsaKeyPair(),
    ]);
    return new TestPki(cluster, key, {
      host: { certPem: createTlsAuthority(cluster, host, now), key: host.privateKey },
      user: { certPem: createTlsAuthority(cluster, user, now), key: user.privateKey },
    });
  }

  get hostAuthorityPem(): string {
    return this.certificates.host.certPem;
  }

  /** An authority with its private key. */
  authorityOf(type: AuthorityType): { certPem: string; key: KeyObject } {
    return this.certificates[type];
  }

  /** Certificate of the auth server itself. */
  server(dnsNames = ["*.teleport.cluster.local", "teleport.cluster.local"]): TestCertificate {
    return this.issue("host", `11111111-2222-4333-8444-555555555555.${this.cluster}`, ["Admin"], {
      dnsNames,
    });
  }

  host(role: string, id = "22222222-2222-4333-8444-555555555555"): TestCertificate {
    return this.issue("host", `${id}.${this.cluster}`, [role]);
  }

  user(name: string, roles = ["admin"]): TestCertificate {
    return this.issue("user", name, roles);
  }

  issue(
    type: AuthorityType,
    username: string,
    roles: string[],
    options: { dnsNames?: string[]; notBefore?: Date; notAfter?: Date } = {},
  ): TestCertificate {
    const now = Date.now();
    const certPem = issueTlsCertificate({
      subject: { username, roles },
      publicKey: createPublicKey(this.key.privateKey),
      authority: this.certificates[type],
      notBefore: options.notBefore ?? new Date(now - MINUTE_MS),
      notAfter: options.notAfter ?? new Date(now + HOUR_MS),
      dnsNames: options.dnsNames ?? [],
    });
    return { keyPem: privateKeyPem(this.key.privateKey), certPem };
  }
}
