/** The auth API of a cluster, reached through the proxy (wire.md §4.1). */
import type { AuthApi } from "../../auth/client/api.js";
import { connectAuth } from "../../auth/client/connect.js";
import { warnOfStaleState } from "../stale-warning.js";
import type { Client } from "./client.js";
import { connectProxy, type ProxyClient } from "./proxy-client.js";

/** Connects to the auth API over a proxy connection that the caller owns. Nothing is sent before the first call. */
export function connectAuthThrough(proxy: ProxyClient, client: Client): AuthApi {
  const { credentials, trust, cluster } = client;
  return connectAuth({
    addresses: [],
    credentials: { keyPem: credentials.privateKeyPem, certPem: credentials.tlsCertificatePem },
    authorities: trust.tlsAuthorities(),
    dial: () => proxy.dialAuth(cluster),
  });
}

/** Runs calls against the auth API and closes everything after them. */
export async function withAuth<T>(client: Client, use: (api: AuthApi) => Promise<T>): Promise<T> {
  const proxy = await connectProxy(client);
  const api = connectAuthThrough(proxy, client);
  try {
    return await use(api);
  } finally {
    warnOfStaleState(api.staleSince?.());
    await api.close();
    proxy.close();
  }
}
