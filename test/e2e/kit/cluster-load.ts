/** Users and hosts that never stop: logins, SSH sessions through the proxies, and joins. */
import { randomUUID } from "node:crypto";
import https from "node:https";
import { joinCluster } from "../../../core/auth/client/join.js";
import { errorMessage } from "../../../core/errors/error.js";
import { generateEd25519KeyPair } from "../../../core/pki/keys.js";
import { sshPublicLine } from "../../../core/pki/ssh-key.js";
import { silentLogger, systemClock } from "../../../core/plugin/index.js";
import { connectSsh } from "../../../core/ssh/client.js";
import type { SshConnection, SshSigner } from "../../../core/ssh/contract.js";
import { SshWriter } from "../../../core/pki/ssh-wire.js";
import { execute } from "./direct.js";
import { CLUSTER, JOIN_TOKEN, type HighAvailabilityCluster } from "./high-availability.js";
import { PASSWORD, type User } from "./users.js";
import { LOGIN } from "./ways.js";

/** What is done all the time. */
export type Deed = "login" | "session" | "join";
const DEEDS: readonly Deed[] = ["login", "session", "join"];

/** Work under way. */
export interface ClusterLoad {
  /** How often a deed has been done. */
  done(deed: Deed): number;
  /** What users and hosts were told went wrong, oldest first, with the deed. */
  readonly failures: string[];
  /** Resolves when every deed has been done `times` more, each begun after now; fails after a minute. */
  more(times: number): Promise<void>;
  /** Finishes what is under way. */
  stop(): Promise<void>;
}

/**
 * Starts the load. Users take the proxies in turn; one that cannot be reached makes them take the other at once, which
 * is what a name with both addresses, or a second `ProxyCommand`, does. Any other failure counts, and is tried again.
 */
export function startLoad(cluster: HighAvailabilityCluster, user: User, signer: SshSigner): ClusterLoad {
  const counts = new Map<Deed, number>();
  const failures: string[] = [];
  const stop = new AbortController();
  let turn = 0;
  const throughAnyProxy = async (work: (proxy: number) => Promise<void>): Promise<void> => {
    const first = turn++ % 2;
    await work(first).catch((error: unknown) => {
      if (!isOut(error)) throw error;
      return work(1 - first);
    });
  };
  const work: Record<Deed, () => Promise<void>> = {
    login: () => throughAnyProxy((proxy) => logIn(cluster, proxy, user)),
    session: () => throughAnyProxy((proxy) => runCommand(cluster, proxy, signer)),
    join: () => join(cluster, stop.signal),
  };
  const loop = async (deed: Deed): Promise<void> => {
    while (!stop.signal.aborted) {
      try {
        await work[deed]();
        counts.set(deed, (counts.get(deed) ?? 0) + 1);
      } catch (error) {
        if (!stop.signal.aborted) failures.push(`${deed}: ${errorMessage(error)}`);
      }
      await systemClock.sleep(50, stop.signal).catch(() => undefined);
    }
  };
  const running = Promise.all(DEEDS.map(loop));
  const done = (deed: Deed): number => counts.get(deed) ?? 0;
  return {
    done,
    failures,
    async more(times) {
      // What is under way now does not count.
      const goals = DEEDS.map((deed) => [deed, done(deed) + times + 1] as const);
      const deadline = Date.now() + 60_000;
      for (const [deed, goal] of goals) {
        while (done(deed) < goal) {
          if (Date.now() > deadline) throw new Error(`no ${deed} is done any more: ${failures.join("; ")}`);
          await systemClock.sleep(20);
        }
      }
    },
    async stop() {
      stop.abort(new Error("the load is stopped"));
      await running;
    },
  };
}

/** Opens the proxy's SSH side and logs in to the node through it. */
export async function connectThrough(
  cluster: HighAvailabilityCluster,
  proxy: number,
  signer: SshSigner,
): Promise<{ readonly node: SshConnection; readonly close: () => void }> {
  const login = { user: LOGIN, signers: () => Promise.resolve([signer]), verifyHost: () => undefined };
  const port = cluster.proxies[proxy]!.ports.ssh;
  const hop = await connectSsh({ ...login, stream: { host: "127.0.0.1", port } });
  try {
    const target = new SshWriter().string(`node1.${CLUSTER}`).uint32(0).string("127.0.0.1").uint32(0);
    const channel = await hop.openChannel("direct-tcpip", target.toBuffer());
    channel.extended.resume();
    const node = await connectSsh({ ...login, stream: channel });
    return { node, close: () => (node.disconnect("bye"), hop.disconnect("bye")) };
  } catch (error) {
    hop.disconnect("bye");
    throw error;
  }
}

async function runCommand(cluster: HighAvailabilityCluster, proxy: number, signer: SshSigner): Promise<void> {
  const { node, close } = await connectThrough(cluster, proxy, signer);
  try {
    const output = await execute(node, "echo hello");
    if (output !== "hello\n") throw new Error(`the command said ${JSON.stringify(output)}`);
  } finally {
    close();
  }
}

function logIn(cluster: HighAvailabilityCluster, proxy: number, user: User): Promise<void> {
  const key = sshPublicLine(generateEd25519KeyPair().publicKey);
  const body = JSON.stringify({
    ...{ user: user.name, password: PASSWORD, otp_token: "", hotp_token: "" },
    ...{ pub_key: Buffer.from(key).toString("base64"), ttl: 3600_000_000_000 },
  });
  return new Promise((resolve, reject) => {
    const request = https.request(
      {
        ...{ host: "127.0.0.1", port: cluster.proxies[proxy]!.ports.web, method: "POST" },
        ...{ path: "/v1/webapi/ssh/certs", rejectUnauthorized: false, agent: false },
        headers: { "Content-Type": "application/json" },
      },
      (response) => {
        let text = "";
        response.setEncoding("utf8");
        response.on("data", (chunk: string) => (text += chunk));
        response.once("error", reject);
        response.on("end", () =>
          response.statusCode === 200 ? resolve() : reject(new Error(`${response.statusCode} ${text}`)),
        );
      },
    );
    request.once("error", reject);
    request.end(body);
  });
}

async function join({ authServers }: HighAvailabilityCluster, signal: AbortSignal): Promise<void> {
  let failed: string | undefined;
  await joinCluster({
    ...{ addresses: authServers, token: JOIN_TOKEN, role: "Node", hostId: randomUUID() },
    ...{ nodeName: "joiner", principals: [], dnsNames: [], caPins: [] },
    log: { ...silentLogger, error: (message) => (failed = message) },
    ...{ clock: systemClock, signal },
  });
  if (failed !== undefined) throw new Error(failed);
}

/** Whether a proxy is not there: the connection was refused, or cut off in the middle. */
function isOut(error: unknown): boolean {
  const text = errorMessage(error);
  return /ECONNREFUSED|ECONNRESET|socket hang up|refused|closed|reset|broke/i.test(text);
}
