import { createServer, type AddressInfo, type Server } from "node:net";
import { createApiServer, type ApiServer, type ApiServerOptions } from "../../../../core/auth/api/server.js";
import type { TrustedAuthority, VerifiedPeer } from "../../../../core/auth/api/peer.js";
import type { AuthApi } from "../../../../core/auth/client/api.js";
import { notImplemented } from "../../../../core/errors/error.js";
import { silentLogger } from "../../../../core/plugin/logger.js";
import type { TestCertificate, TestPki } from "./test-pki.js";

/** Who called, as a test sees it. */
export interface TestCaller {
  peer: VerifiedPeer | undefined;
  remoteAddress: string;
}

/** An API server on a free port of 127.0.0.1. */
export interface TestServer {
  readonly api: ApiServer;
  readonly address: string;
  readonly port: number;
  /** Replaces what new handshakes present. */
  certificate: TestCertificate;
  /** Replaces whom the server trusts. */
  authorities: TrustedAuthority[];
  readonly callers: TestCaller[];
  close(): Promise<void>;
}

/** Starts a server over a partial fake of the typed interface; other methods answer `not_implemented`. */
export async function startTestServer(
  pki: TestPki,
  fake: Partial<AuthApi>,
  options: Partial<ApiServerOptions<TestCaller>> = {},
): Promise<TestServer> {
  const listener: Server = createServer();
  const callers: TestCaller[] = [];
  const api = await createApiServer<TestCaller>({
    tls: () => ({ keyPem: test.certificate.keyPem, chainPem: test.certificate.certPem }),
    authorities: () => test.authorities,
    callerFor: (peer, remoteAddress) => ({ peer, remoteAddress }),
    apiFor: (caller) => {
      callers.push(caller);
      return complete(fake);
    },
    log: silentLogger,
    ...options,
  });
  api.listen(listener);
  await new Promise<void>((resolve) => listener.listen(0, "127.0.0.1", resolve));
  const { port } = listener.address() as AddressInfo;
  const test: TestServer = {
    api,
    port,
    address: `127.0.0.1:${port}`,
    certificate: pki.server(),
    authorities: pki.authorities,
    callers,
    async close() {
      listener.close();
      await api.close();
    },
  };
  return test;
}

/** The fake with every other method refusing. */
export function complete(fake: Partial<AuthApi>): AuthApi {
  return new Proxy(fake, {
    get(target, property) {
      const method: unknown = Reflect.get(target, property);
      // It may be absent: then the server cannot tell.
      if (property === "staleSince") return method;
      return method ?? (() => Promise.reject(notImplemented(`${String(property)} is not part of this test`)));
    },
  }) as AuthApi;
}
