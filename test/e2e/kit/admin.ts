/** The administrator's API of a test cluster, for what no command line offers. */
import { readFileSync } from "node:fs";
import path from "node:path";
import type { AuthApi } from "../../../core/auth/client/api.js";
import { connectAuth } from "../../../core/auth/client/connect.js";
import { openIdentityStore } from "../../../core/auth/client/identity-store.js";
import { openPluginHost, runPlugin } from "../../../core/plugin/host.js";
import { silentLogger, systemClock } from "../../../core/plugin/index.js";
import type { Daemon } from "./daemon.js";

/** Runs `work` with the API of the local Admin identity, as tctl uses it. */
export async function withAdmin<T>(daemon: Daemon, work: (api: AuthApi) => Promise<T>): Promise<T> {
  const definition = await (await openPluginHost([], daemon.folder)).definition("storage", "dir");
  const hostId = readFileSync(path.join(daemon.dataDir, "host_uuid"), "utf8");
  const store = await runPlugin(
    definition,
    definition.schema.parse({ path: path.join(daemon.dataDir, "proc") }),
    {
      log: silentLogger,
      clock: systemClock,
      dataDir: daemon.dataDir,
      hostId,
      hostname: "node1",
    },
  );
  try {
    const identity = await openIdentityStore(store.product, hostId).read("Admin");
    if (!identity) throw new Error("the daemon has no Admin identity");
    const api = connectAuth({
      addresses: [`127.0.0.1:${daemon.ports.auth}`],
      credentials: { keyPem: identity.keyPem, certPem: identity.tlsCertificatePem },
      authorities: identity.tlsAuthorities,
    });
    return await work(api).finally(() => api.close());
  } finally {
    await store.close();
  }
}
