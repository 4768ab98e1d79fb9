import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { hasCode } from "../../../core/errors/error.js";
import { checkSshCertificate } from "../../../core/pki/ssh-certificate.js";
import { SshReader, SshWriter } from "../../../core/pki/ssh-wire.js";
import { connectSsh, type SshClientOptions } from "../../../core/ssh/client.js";
import type { SshChannel, SshConnection } from "../../../core/ssh/contract.js";
import { KEY_KINDS, TestAuthority } from "./authority.js";
import { needPrograms, OpenSsh } from "./openssh.js";

const MEGABYTE = 1024 * 1024;

/** What a command left. */
interface CommandResult {
  stdout: Buffer;
  stderr: Buffer;
  status: number | undefined;
  signal: string | undefined;
}

async function collect(stream: AsyncIterable<unknown>): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

async function execute(
  connection: SshConnection,
  command: string,
  input = Buffer.alloc(0),
): Promise<CommandResult> {
  const channel: SshChannel = await connection.openChannel("session");
  const result: CommandResult = { stdout: input, stderr: input, status: undefined, signal: undefined };
  channel.onRequest(({ name, payload }) => {
    if (name === "exit-status") result.status = new SshReader(payload).uint32();
    if (name === "exit-signal") result.signal = new SshReader(payload).text();
    return false;
  });
  assert.ok(await channel.request("exec", true, new SshWriter().string(command).toBuffer()));
  // A command that takes no input may be over already.
  if (input.length > 0) channel.end(input);
  else channel.end();
  [result.stdout, result.stderr] = await Promise.all([collect(channel), collect(channel.extended)]);
  await channel.whenClosed;
  return result;
}

describe("connectSsh with the stock sshd", function () {
  this.timeout(60_000);
  for (const host of KEY_KINDS) {
    describe(`with a ${host} host certificate`, () => {
      let openssh: OpenSsh;
      let authority: TestAuthority;
      let port: number;

      before(async function () {
        needPrograms(this, "/usr/sbin/sshd");
        openssh = new OpenSsh();
        authority = await TestAuthority.create();
        const key = openssh.writeSigner("host", await authority.signer("host", host));
        ({ port } = await openssh.startSshd(key, authority.publicBlob));
      });

      after(() => openssh.dispose());

      async function login(changes: Partial<SshClientOptions> = {}): Promise<SshConnection> {
        const signer = await authority.signer("user");
        return connectSsh({
          stream: { host: "127.0.0.1", port },
          user: "root",
          signers: () => Promise.resolve([signer]),
          verifyHost: ({ certificate }) => {
            assert.ok(certificate);
            const authorities = [authority.publicBlob];
            checkSshCertificate(certificate, {
              type: "host",
              authorities,
              principal: "127.0.0.1",
              now: new Date(),
            });
          },
          ...changes,
        });
      }

      for (const user of KEY_KINDS) {
        it(`logs in with a ${user} user certificate`, async () => {
          const signer = await authority.signer("user", user);
          const connection = await login({ signers: () => Promise.resolve([signer]) });
          assert.match(connection.peerVersion, /^SSH-2\.0-OpenSSH_/);
          const result = await execute(connection, "echo out; echo err >&2; exit 7");
          assert.deepEqual(
            [String(result.stdout), String(result.stderr), result.status],
            ["out\n", "err\n", 7],
          );
          connection.disconnect("done");
        });
      }

      it("refuses a host whose authority is unknown", async () => {
        const other = await TestAuthority.create();
        const verifyHost: SshClientOptions["verifyHost"] = ({ certificate }) => {
          assert.ok(certificate);
          checkSshCertificate(certificate, {
            type: "host",
            authorities: [other.publicBlob],
            now: new Date(),
          });
        };
        await assert.rejects(login({ verifyHost }), (error) => hasCode(error, "access_denied"));
      });

      it("is refused with a certificate of another authority", async () => {
        const signer = await (await TestAuthority.create()).signer("user");
        const signers = (): Promise<(typeof signer)[]> => Promise.resolve([signer]);
        await assert.rejects(login({ signers }), (error) => hasCode(error, "access_denied"));
      });
    });
  }

  describe("with bulk data", () => {
    let openssh: OpenSsh;
    let connection: SshConnection;

    before(async function () {
      needPrograms(this, "/usr/sbin/sshd");
      openssh = new OpenSsh();
      const authority = await TestAuthority.create();
      const key = openssh.writeSigner("host", await authority.signer("host"));
      const { port } = await openssh.startSshd(key, authority.publicBlob, ["RekeyLimit 16M"]);
      const signer = await authority.signer("user");
      connection = await connectSsh({
        stream: { host: "127.0.0.1", port },
        user: "root",
        signers: () => Promise.resolve([signer]),
        verifyHost: () => undefined,
        limits: { rekeyBytes: 8 * MEGABYTE },
      });
    });

    after(() => {
      connection.disconnect("done");
      openssh.dispose();
    });

    it("carries 100 MB each way through `cat`, while both sides exchange keys again", async () => {
      const input = randomBytes(100 * MEGABYTE);
      const result = await execute(connection, "cat", input);
      assert.ok(result.stdout.equals(input), `${String(result.stdout.length)} bytes came back`);
      assert.equal(result.status, 0);
    });

    it("gets the output of a command that answers after the end of its input", async () => {
      const input = randomBytes(3 * MEGABYTE);
      const result = await execute(connection, "sha256sum", input);
      assert.match(
        result.stdout.toString(),
        new RegExp(`^${createHash("sha256").update(input).digest("hex")}`),
      );
    });

    it("gets all output of a command that does not read its input", async () => {
      const result = await execute(connection, "head -c 3000000 /dev/zero", Buffer.alloc(20 * MEGABYTE));
      assert.equal(result.stdout.length, 3_000_000);
    });

    it("is told of a signal that ended the command", async () => {
      assert.equal((await execute(connection, "kill -TERM $$")).signal, "TERM");
    });
  });
});
