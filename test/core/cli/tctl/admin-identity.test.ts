import assert from "node:assert/strict";
import { chmod, mkdir, readdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { openIdentityStore } from "../../../../core/auth/client/identity-store.js";
import type { HostIdentity } from "../../../../core/auth/client/identity.js";
import { readAdminIdentity } from "../../../../core/cli/tctl/admin-identity.js";
import { systemClock } from "../../../../core/plugin/clock.js";
import { silentLogger } from "../../../../core/plugin/logger.js";
import { openDirStorage } from "../../../../plugins/backend-dir/index.js";
import { temporaryFolder } from "../../../kit/paths.js";
import { AUTH_HOST, startAuth } from "../../auth/auth-fixture.js";
import { runBuilt } from "../run-program.js";

const NONE =
  "tctl must be either used on the auth server or provided with the identity file via --identity flag";

describe("who tctl is", function () {
  this.timeout(30_000);
  let folder: string;
  let remove: () => Promise<void>;
  beforeEach(async () => ({ folder, remove } = await temporaryFolder()));
  afterEach(() => remove());

  async function hostIdentity(role: "Admin" | "Node"): Promise<HostIdentity> {
    const auth = await startAuth();
    const identity = await auth.server.issueHostIdentity(role, { nodeName: "h", principals: [] });
    await auth.close();
    const store = await openDirStorage({
      directory: path.join(folder, "proc"),
      log: silentLogger,
      clock: systemClock,
    });
    await openIdentityStore(store, AUTH_HOST).write(identity);
    await store.close();
    await writeFile(path.join(folder, "host_uuid"), AUTH_HOST, { mode: 0o400 });
    return identity;
  }

  it("takes the administrator of this host", async () => {
    const identity = await hostIdentity("Admin");
    assert.deepEqual(await readAdminIdentity(undefined, folder, systemClock), {
      credentials: { keyPem: identity.keyPem, certPem: identity.tlsCertificatePem },
      authorities: identity.tlsAuthorities,
    });
  });

  it("says what to do on a host without one, and makes no store there", async () => {
    await assert.rejects(readAdminIdentity(undefined, path.join(folder, "absent"), systemClock), {
      message: NONE,
    });
    await assert.rejects(readAdminIdentity(undefined, folder, systemClock), { message: NONE });
    await writeFile(path.join(folder, "host_uuid"), AUTH_HOST);
    await mkdir(path.join(folder, "proc"));
    await assert.rejects(readAdminIdentity(undefined, folder, systemClock), { message: NONE });
    assert.deepEqual(await readdir(path.join(folder, "proc")), []);
  });

  it("takes no other service's identity", async () => {
    await hostIdentity("Node");
    await assert.rejects(readAdminIdentity(undefined, folder, systemClock), { message: NONE });
  });

  it("names an identity file that cannot be read", async () => {
    const file = path.join(folder, "absent");
    await assert.rejects(readAdminIdentity(file, folder, systemClock), {
      code: "bad_parameter",
      message: new RegExp(`^cannot read the identity file ${file}: no such file or directory$`),
    });
  });

  it("tells in two lines that no auth server answers", async () => {
    await hostIdentity("Admin");
    await chmod(folder, 0o700);
    const config = path.join(folder, "teleport.yaml");
    await writeFile(config, `teleport:\n  data_dir: ${folder}\n`);
    const { code, stdout, stderr } = runBuilt("tctl", [
      "-c",
      config,
      "--auth-server",
      "127.0.0.1:1",
      "status",
    ]);
    assert.equal(code, 1);
    assert.equal(stdout, "");
    assert.match(
      stderr,
      /^\[CLIENT\] {2}Cannot connect to the auth server: .*connection refused.*\. Is the auth server running on 127\.0\.0\.1:1\?\n$/,
    );
  });
});
