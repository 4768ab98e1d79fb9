import { constants } from "node:crypto";
import { createSecureContext, type SecureContext } from "node:tls";
import { API_DOMAIN, decodeClusterName } from "../../pki/cluster-sni.js";
import { accessDenied } from "../../errors/error.js";
import type { TrustedAuthority } from "./peer.js";

/** The certificate that a server presents, with its key. Both are PEM. */
export interface ServerCertificate {
  readonly keyPem: string;
  readonly chainPem: string;
}

/** TLS contexts by the server name a client asks for. */
export interface TlsContexts {
  /** The context for a server name. Throws `access_denied` for one whose hex is malformed. */
  forName(serverName: string): SecureContext;
}

/**
 * Contexts that follow the current certificate and authorities: both are read at every handshake, so a renewed one is
 * in use at once. The server name narrows the authorities that the client is told of (wire.md §1.6); which ones are
 * accepted does not depend on it.
 */
export function createTlsContexts(
  certificate: () => ServerCertificate,
  authorities: () => readonly TrustedAuthority[],
): TlsContexts {
  let inputs = "";
  const cache = new Map<string, SecureContext>();
  return {
    forName(serverName) {
      const { keyPem, chainPem } = certificate();
      const trusted = authorities();
      const current = [keyPem, chainPem, ...trusted.map((a) => a.cluster + a.certPem)].join("\n");
      if (current !== inputs) {
        cache.clear();
        inputs = current;
      }
      const cluster = clusterFor(serverName, trusted);
      const cached = cache.get(cluster ?? "");
      if (cached) return cached;
      const advertised = trusted.filter((a) => cluster === undefined || a.cluster === cluster);
      const context = createSecureContext({
        key: keyPem,
        cert: chainPem,
        ca: advertised.map((a) => a.certPem),
        minVersion: "TLSv1.2",
        // A resumed session would keep a caller in that a handshake no longer admits.
        secureOptions: constants.SSL_OP_NO_TICKET,
      });
      cache.set(cluster ?? "", context);
      return context;
    },
  };
}

/** The known cluster that a server name stands for; undefined means all of them. */
function clusterFor(serverName: string, trusted: readonly TrustedAuthority[]): string | undefined {
  const name = serverName.toLowerCase();
  if (name === API_DOMAIN || !name.endsWith(`.${API_DOMAIN}`)) return undefined;
  const cluster = decodeClusterName(name);
  if (cluster === undefined) throw accessDenied(`'${serverName}' is no encoded cluster name`);
  return trusted.some((a) => a.cluster === cluster) ? cluster : undefined;
}
