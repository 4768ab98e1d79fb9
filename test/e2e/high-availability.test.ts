/**
 * Two auth servers and two proxies on one store, each killed in turn while users log in, work and hosts join: what they
 * see of it is counted.
 */
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import path from "node:path";
import type { SshSigner } from "../../core/ssh/contract.js";
import { SshWriter } from "../../core/pki/ssh-wire.js";
import { temporaryFolder } from "../kit/paths.js";
import { connectThrough, startLoad, type ClusterLoad } from "./kit/cluster-load.js";
import type { Daemon } from "./kit/daemon.js";
import { signerOf } from "./kit/direct.js";
import { startHighAvailability, type HighAvailabilityCluster } from "./kit/high-availability.js";
import { addUser, sshClient, type User } from "./kit/users.js";
import { LOGIN } from "./kit/ways.js";

/** The ids of the sessions that stay open, by their proxies. */
const SESSIONS = [randomUUID(), randomUUID()];

describe("several auth servers and proxies", function () {
  this.timeout(180_000);
  let store: { folder: string; remove: () => Promise<void> };
  let cluster: HighAvailabilityCluster;
  let user: User;
  let signer: SshSigner;
  let load: ClusterLoad | undefined;

  before(async () => {
    store = await temporaryFolder();
    cluster = await startHighAvailability({ type: "dir", path: path.join(store.folder, "backend") });
    const [auth] = cluster.auths as [Daemon];
    // The link names no proxy's port: it is completed through the second one.
    const tctl = (...args: string[]): Promise<string> => auth.tctl(...args);
    user = await addUser({ tctl, ports: cluster.proxies[1]!.ports }, "joe", LOGIN);
    signer = signerOf(await sshClient(cluster.auths[1]!, "joe", LOGIN));
  });
  after(async () => {
    await load?.stop();
    await cluster?.remove();
    await store?.remove();
  });

  it("go on while each is killed and started again, and lose no session of the others", async () => {
    const [kept, cut] = [await openEcho(0), await openEcho(1)];
    load = startLoad(cluster, user, signer);
    await load.more(2);
    assert.equal(load.failures.join("; "), "");
    const report: string[] = [];
    for (const [name, victim] of [
      ["proxy2", cluster.proxies[1]!],
      ["auth1", cluster.auths[0]!],
      ["auth2", cluster.auths[1]!],
    ] as const) {
      const before = load.failures.length;
      await victim.stop("SIGKILL");
      await load.more(2);
      await victim.restart();
      const failures = load.failures.slice(before);
      report.push(`${name}: ${failures.length === 0 ? "no failure" : failures.join("; ")}`);
      // At the very moment each user and host may see one, and tries again.
      for (const deed of ["login", "session", "join"]) {
        const seen = failures.filter((failure) => failure.startsWith(deed));
        assert(seen.length <= 1, `${name}: ${seen.join("; ")}`);
      }
      assert.equal(await kept.say(name), name);
    }
    await load.stop();
    console.log(
      cluster.node
        .output()
        .split("\n")
        .filter((l) => /WARN|ERROR/.test(l))
        .join("\n"),
    );
    for (const line of report) console.log(`      killed ${line}`);
    await cut.closed;
    kept.close();
  });

  it("audits the end of a session whose proxy died", async () => {
    const events = () => cluster.auths.flatMap((auth) => auth.audit());
    const deadline = Date.now() + 60_000;
    const ended = (sid: unknown) =>
      events().find(({ event, sid: id }) => event === "session.end" && id === sid);
    for (const sid of SESSIONS) {
      while (!ended(sid)) {
        assert(Date.now() < deadline, `the session ${String(sid)} has no end`);
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
      // The node lives, so it knows the end: nothing was cut off.
      assert.equal(ended(sid)?.["interrupted"], undefined);
    }
  });

  /** An interactive session through a proxy, which says back what it is told. */
  async function openEcho(proxy: number) {
    const { node, close } = await connectThrough(cluster, proxy, signer);
    const channel = await node.openChannel("session");
    let output = "";
    const session = new SshWriter().string("TELEPORT_SESSION").string(SESSIONS[proxy]!);
    await channel.request("env", true, session.toBuffer());
    channel.on("data", (chunk: Buffer) => (output += chunk.toString()));
    channel.extended.resume();
    const terminal = new SshWriter().string("dumb").uint32(80).uint32(24).uint32(0).uint32(0).string("");
    assert(await channel.request("pty-req", true, terminal.toBuffer()));
    assert(
      await channel.request("exec", true, new SshWriter().string("stty -echo; echo go; cat").toBuffer()),
    );
    const until = async (text: string): Promise<void> => {
      const deadline = Date.now() + 30_000;
      while (!output.includes(text)) {
        assert(Date.now() < deadline, `the session did not say ${text}: ${output}`);
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    };
    await until("go");
    return {
      close,
      closed: node.whenClosed,
      async say(text: string): Promise<string> {
        channel.write(`${text}\n`);
        await until(text);
        return text;
      },
    };
  }
});
