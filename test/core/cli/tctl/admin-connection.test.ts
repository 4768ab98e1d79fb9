import assert from "node:assert/strict";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { createServer, type AddressInfo, type Socket } from "node:net";
import path from "node:path";
import { formatIdentityFile } from "../../../../core/cli/identity-file.js";
import { ExitWith } from "../../../../core/cli/program.js";
import { connectAdmin } from "../../../../core/cli/tctl/admin-connection.js";
import { systemClock, type Clock } from "../../../../core/plugin/clock.js";
import { temporaryFolder } from "../../../kit/paths.js";
import { startAuth } from "../../auth/auth-fixture.js";

describe("the connection of tctl", () => {
  let folder: string;
  let remove: () => Promise<void>;
  beforeEach(async () => ({ folder, remove } = await temporaryFolder()));
  afterEach(() => remove());

  it("gives up on a server that accepts and then says nothing", async () => {
    const auth = await startAuth();
    const admin = await auth.server.issueHostIdentity("Admin", { nodeName: "h", principals: [] });
    await auth.close();
    const identity = path.join(folder, "identity");
    await writeFile(
      identity,
      formatIdentityFile({
        keyPem: admin.keyPem,
        sshCertificate: admin.sshCertificate,
        tlsCertificatePem: admin.tlsCertificatePem,
        sshAuthorities: [],
        tlsAuthorities: admin.tlsAuthorities,
      }),
      { mode: 0o600 },
    );
    const config = path.join(folder, "teleport.yaml");
    await writeFile(config, `teleport:\n  data_dir: ${folder}\n`);

    const accepted: Socket[] = [];
    const silent = createServer((socket) => void accepted.push(socket)).listen(0, "127.0.0.1");
    await once(silent, "listening");
    const address = `127.0.0.1:${(silent.address() as AddressInfo).port}`;
    try {
      // The certificates of the fixture begin at its own clock's time.
      const clock: Clock = {
        now: () => auth.clock.now(),
        sleep: (ms, signal) => systemClock.sleep(ms, signal),
      };
      const attempt = connectAdmin(
        { config, identity, authServer: [address] },
        { clock, environment: {}, connectTimeoutMs: 100 },
      );
      await assert.rejects(attempt, (error) => {
        assert.ok(error instanceof ExitWith);
        assert.equal(error.exitCode, 1);
        assert.equal(
          error.message,
          "[CLIENT]  Cannot connect to the auth server: it did not answer within 0.1 s. " +
            `Is the auth server running on ${address}?`,
        );
        return true;
      });
    } finally {
      for (const socket of accepted) socket.destroy();
      silent.close();
    }
  });
});
