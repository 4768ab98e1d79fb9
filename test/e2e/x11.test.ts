/** X11 forwarding with stock ssh, a real X server on the user's side and a real X client on the node. */
import assert from "node:assert/strict";
import { once } from "node:events";
import net from "node:net";
import { withAdmin } from "./kit/admin.js";
import { startDaemon, type Daemon } from "./kit/daemon.js";
import { needProgram, run, type Outcome } from "./kit/programs.js";
import { startXServer, type XServer } from "./kit/x-server.js";
import { addUser, sshClient, type SshClient } from "./kit/users.js";

const LOGIN = process.env.USER ?? "root";
/** Displays of the node, out of the way of those of this machine. */
const FIRST_DISPLAY = 320;

describe("e2e: X11 forwarding", function () {
  this.timeout(120_000);
  let daemon: Daemon;
  let screen: XServer;
  const clients = new Map<string, SshClient>();

  before(async function () {
    needProgram(this, "ssh", "xauth", "Xvfb", "xdpyinfo");
    daemon = await startDaemon({
      ssh_service: { x11: { enabled: "yes", display_offset: FIRST_DISPLAY, max_display: FIRST_DISPLAY + 1 } },
    });
    await addUser(daemon, "alice", LOGIN);
    await addUser(daemon, "bob", LOGIN);
    screen = await startXServer(daemon.folder);
  });
  after(async () => {
    await screen?.stop();
    for (const display of [FIRST_DISPLAY, FIRST_DISPLAY + 1])
      await run("xauth", ["-q", "remove", `unix:${display}.0`]);
    await daemon?.remove();
  });

  async function permit(allowed: boolean): Promise<void> {
    await withAdmin(daemon, async (api) => {
      const role = await api.getRole("admin");
      const options = { ...role.spec.options, permit_x11_forwarding: allowed };
      await api.upsertRole({ ...role, spec: { ...role.spec, options } });
    });
  }

  /** A user's client, whose certificate is signed after the role has been changed. */
  async function clientOf(user: string): Promise<SshClient> {
    const client = clients.get(user) ?? (await sshClient(daemon, user, LOGIN));
    clients.set(user, client);
    return client;
  }

  async function ssh(user: string, flags: readonly string[], command: string): Promise<Outcome> {
    const { args } = await clientOf(user);
    const direct = ["-o", "HostKeyAlias=node1.example.test", "-p", String(daemon.ports.node)];
    return run("ssh", [...args, ...flags, ...direct, `${LOGIN}@127.0.0.1`, command], {
      env: screen.env,
      timeoutMs: 60_000,
    });
  }

  it("is refused where no role permits it: ssh warns, and the session goes on", async () => {
    const { code, stdout, stderr } = await ssh("bob", ["-Y"], 'echo "display=$DISPLAY"');
    assert.equal(code, 0);
    assert.match(stderr, /X11 forwarding request failed/);
    assert.match(stdout, /^display=$/m);
    const event = await daemon.audited(({ code: name }) => name === "T3008W");
    assert.equal(event.error, "X11 forwarding not allowed");
    assert.equal(event.user, "bob");
  });

  describe("where a role permits it", () => {
    before(() => permit(true));
    // A display is given back behind the end of its session.
    beforeEach(untilNoDisplay);

    for (const flag of ["-Y", "-X"]) {
      it(`shows clients of the node on the user's screen with ${flag}`, async () => {
        const { code, stdout, stderr } = await ssh("alice", [flag], 'echo "display=$DISPLAY"; xdpyinfo');
        assert.equal(code, 0, stderr);
        assert.match(stdout, new RegExp(`^display=localhost:${FIRST_DISPLAY}\\.0$`, "m"));
        assert.match(stdout, /vendor string/);
      });
    }

    it("is audited with bytes both ways", async () => {
      const addr = `127.0.0.1:${6000 + FIRST_DISPLAY}`;
      await daemon.audited((event) => event.code === "T3008I" && event.addr === addr);
      const carried = await daemon.audited((event) => event.event === "session.data" && event.addr === addr);
      assert.ok(Number(carried.tx) > 0 && Number(carried.rx) > 0, JSON.stringify(carried));
    });

    it("gives each session a display of its own, and says when none is left", async () => {
      const inner = `test $DISPLAY = localhost:${FIRST_DISPLAY + 1}.0 && xdpyinfo >/dev/null && echo both`;
      const { args } = await clientOf("alice");
      const direct = ["-o", "HostKeyAlias=node1.example.test", "-p", String(daemon.ports.node)];
      const again = (command: string): string =>
        `ssh ${[...args, "-Y", ...direct, `${LOGIN}@127.0.0.1`].join(" ")} '${command}'`;
      const nested = await ssh("alice", ["-Y"], again(inner));
      assert.match(nested.stdout, /^both$/m, nested.stderr);
      const third = await ssh("alice", ["-Y"], again(again("true").replaceAll("'", '"')));
      assert.match(third.stderr, /X11 forwarding request failed/);
    });

    it("takes no display that somebody else already has on the other loopback address", async () => {
      const other = net.createServer((socket) => socket.destroy());
      other.listen(6000 + FIRST_DISPLAY, "::1");
      await once(other, "listening");
      const { stdout } = await ssh("alice", ["-Y"], 'echo "display=$DISPLAY"; xdpyinfo');
      other.close();
      assert.match(stdout, new RegExp(`^display=localhost:${FIRST_DISPLAY + 1}\\.0$`, "m"));
      assert.match(stdout, /vendor string/);
    });

    it("leaves no display behind", async () => {
      await ssh("alice", ["-Y"], "true");
      await untilNoDisplay();
    });
  });
});

/** Resolves when no session has a display any more, on either loopback address. */
async function untilNoDisplay(): Promise<void> {
  for (const display of [FIRST_DISPLAY, FIRST_DISPLAY + 1]) {
    for (const host of ["127.0.0.1", "::1"]) {
      while (await listens(6000 + display, host)) await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}

function listens(port: number, host: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = net.connect({ port, host });
    const answer = (open: boolean) => (): void => {
      socket.destroy();
      resolve(open);
    };
    socket.once("connect", answer(true)).once("error", answer(false));
  });
}
