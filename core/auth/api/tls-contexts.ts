import { constants } from "node:crypto";
import { createSecureContext, type SecureContext, type SecureContextOptions } from "node:tls";
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
  /** Options for clients that send no server name, where they have changed since the last call. */
  changedDefaults(): SecureContextOptions | undefined;
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
  let defaultsAsked = false;
  const cache = new Map<string | undefined, SecureContext>();

  function optionsFor(cluster: string | undefined): SecureContextOptions {
    const { keyPem, chainPem } = certificate();
    const advertised = authorities().filter((a) => cluster === undefined || a.cluster === cluster);
    return {
      key: keyPem,
      cert: chainPem,
      ca: advertised.map((a) => a.certPem),
      minVersion: "TLSv1.2",
      // A resumed session would keep a caller in that a handshake no longer admits.
      secureOptions: constants.SSL_OP_NO_TICKET,
    };
  }

  function followInputs(): void {
    const { keyPem, chainPem } = certificate();
    const current = [keyPem, chainPem, ...authorities().map((a) => a.cluster + a.certPem)].join("\n");
    if (current === inputs) return;
    cache.clear();
    inputs = current;
    defaultsAsked = false;
  }

  return {
    changedDefaults() {
      followInputs();
      if (defaultsAsked) return undefined;
      defaultsAsked = true;
      return optionsFor(undefined);
    },
    forName(serverName) {
      followInputs();
      const cluster = clusterFor(serverName, authorities());
      const context = cache.get(cluster) ?? createSecureContext(optionsFor(cluster));
      cache.set(cluster, context);
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
