import assert from "node:assert/strict";
import type { AuthApi, WatchEvent } from "../../../../core/auth/client/api.js";
import { createClusterView } from "../../../../core/auth/client/cluster-view.js";
import type { ClusterView, ViewKind } from "../../../../core/auth/client/view.js";
import { accessDenied, notFound, unavailable } from "../../../../core/errors/error.js";
import { silentLogger } from "../../../../core/plugin/logger.js";
import type { Lock } from "../../../../core/resources/lock.js";
import type { Server } from "../../../../core/resources/server.js";
import { complete } from "../api/test-server.js";
import { FakeClock } from "./fake-clock.js";
import * as sample from "./sample-resources.js";

const KINDS: ViewKind[] = ["cert_authority", "cluster_config", "role", "user", "node"];

describe("createClusterView", () => {
  let clock: FakeClock;
  let source: FakeSource;
  let view: ClusterView | undefined;
  beforeEach(() => {
    clock = new FakeClock();
    source = new FakeSource();
    view = undefined;
  });
  afterEach(() => view?.close());

  async function open(kinds: ViewKind[] = KINDS): Promise<ClusterView> {
    view = await createClusterView(source.api, { kinds, log: silentLogger, clock });
    return view;
  }

  it("is full when it is handed out", async () => {
    const view = await open();
    assert.equal(view.clusterName, "wire.test");
    assert.deepEqual(view.authorities("host"), []);
    assert.deepEqual(view.authorities("user"), [sample.authority]);
    assert.deepEqual(view.clusterConfig(), sample.clusterConfig);
    assert.deepEqual(view.roles(["dev"]), [sample.role]);
    assert.deepEqual(view.user("alice"), sample.user);
    assert.equal(view.user("al"), undefined);
    assert.deepEqual(view.nodes(), [sample.node]);
    assert.equal(view.staleSince(), undefined);
    assert.deepEqual(source.watched, KINDS);
  });

  it("tells what becomes of connections while locks cannot be refreshed", async () => {
    assert.equal((await open()).lockingMode(), "strict");
    const { locking_mode: _mode, ...spec } = sample.clusterConfig.spec;
    await source.send({ type: "put", resource: { ...sample.clusterConfig, spec } });
    assert.equal(view?.lockingMode(), "best_effort");
  });

  it("holds the locks", async () => {
    const view = await open(["role", "lock"]);
    assert.deepEqual(source.watched, ["role", "lock"]);
    assert.deepEqual(view.locks(), [sample.lock]);
  });

  it("leaves out locks where the auth server is of a release without them, and only there", async () => {
    source.locks = () => Promise.reject(notFound("404 page not found"));
    const old = await open(["role", "lock"]);
    assert.deepEqual(source.watched, ["role"]);
    assert.deepEqual(old.locks(), []);
    assert.deepEqual(old.roles(["dev"]), [sample.role]);
    await old.close();
    source.locks = () => Promise.reject(accessDenied("no"));
    await assert.rejects(open(["role", "lock"]), { code: "access_denied" });
  });

  it("names the first role that does not exist", async () => {
    const view = await open();
    assert.throws(() => view.roles(["dev", "gone", "lost"]), { code: "access_denied", message: /'gone'/ });
  });

  it("reads and watches only its kinds", async () => {
    const view = await open(["role"]);
    assert.deepEqual(source.watched, ["role"]);
    assert.deepEqual(view.nodes(), []);
    assert.throws(() => view.clusterConfig(), { code: "internal" });
  });

  it("follows changes, and tells of those that change something", async () => {
    const view = await open();
    const told: string[] = [];
    const stopTelling = view.onChange("node", () => told.push("node"));
    view.onChange("cert_authority", () => told.push("cert_authority"));
    const second: Server = { ...sample.node, metadata: { name: "n-0" } };
    await source.send({ type: "put", resource: second });
    assert.deepEqual(view.nodes(), [second, sample.node]);
    await source.send({ type: "put", resource: structuredClone(second) });
    await source.send({ type: "put", resource: sample.proxy });
    await source.send({ type: "delete", kind: "cert_authority", subKind: "host", name: "wire.test" });
    assert.deepEqual(view.authorities("user"), [sample.authority]);
    await source.send({ type: "delete", kind: "cert_authority", subKind: "user", name: "wire.test" });
    assert.deepEqual(view.authorities("user"), []);
    assert.deepEqual(told, ["node", "cert_authority"]);
    stopTelling();
    await source.send({ type: "delete", kind: "node", subKind: "", name: "n-0" });
    assert.deepEqual(view.nodes(), [sample.node]);
    assert.deepEqual(told, ["node", "cert_authority"]);
  });

  it("does not lose changes that come while it reads", async () => {
    let release = (): void => undefined;
    source.beforeRead = new Promise((resolve) => (release = resolve));
    const opening = open();
    await source.watching;
    const renamed: Server = { ...sample.node, spec: { ...sample.node.spec, hostname: "renamed" } };
    await source.send({ type: "put", resource: renamed });
    release();
    assert.equal((await opening).nodes()[0]?.spec.hostname, "renamed");
  });

  it("serves what it has while the service is away, and catches up afterwards", async () => {
    const view = await open();
    const told: string[] = [];
    view.onChange("user", () => told.push("user"));
    view.onChange("node", () => told.push("node"));
    source.failure = unavailable("away");
    const since = clock.now();
    source.end(unavailable("away"));
    const waits = [];
    for (let i = 0; i < 4; i++) {
      const [wait = 0] = await clock.sleeping();
      waits.push(wait);
      assert.deepEqual(view.user("alice"), sample.user);
      assert.deepEqual(view.staleSince(), since);
      if (i === 3) {
        source.failure = undefined;
        source.users = [];
      }
      clock.advance(Math.max(wait, 1));
    }
    await source.refilled;
    assert.equal(view.user("alice"), undefined);
    assert.equal(view.staleSince(), undefined);
    assert.deepEqual(told, ["user"]);
    for (const [i, wait] of waits.entries()) assert.ok(wait <= 1_000 * 2 ** i, `${wait}`);
  });

  it("waits at start for a service that is away", async () => {
    source.failure = unavailable("away");
    const opening = open();
    await clock.sleeping();
    source.failure = undefined;
    clock.advance(30_000);
    assert.equal((await opening).clusterName, "wire.test");
  });

  it("stops waiting when told to", async () => {
    source.failure = unavailable("away");
    const stop = new AbortController();
    const opening = createClusterView(source.api, {
      kinds: KINDS,
      log: silentLogger,
      clock,
      signal: stop.signal,
    });
    await clock.sleeping();
    stop.abort(new Error("stopping"));
    await assert.rejects(opening, { message: "stopping" });
  });

  it("fails at start where it may not read", async () => {
    source.failure = accessDenied("no");
    await assert.rejects(open(), { code: "access_denied" });
  });

  it("fails at start where the stream does not begin with init", async () => {
    source.first = { type: "put", resource: sample.node };
    await assert.rejects(open(), { code: "internal", message: /init/ });
  });

  it("ends its watch when closed", async () => {
    const view = await open();
    await view.close();
    assert.ok(source.signal?.aborted);
  });
});

/** An auth service whose state and stream a test holds in its hands. */
class FakeSource {
  watched: string[] = [];
  users = [sample.user];
  failure: Error | undefined;
  first: WatchEvent = { type: "init" };
  beforeRead: Promise<void> = Promise.resolve();
  signal: AbortSignal | undefined;
  watching: Promise<void>;
  /** Resolves when the node list, which is read last, has been read a second time. */
  refilled: Promise<void>;
  #started: () => void = () => undefined;
  #refilled: () => void = () => undefined;
  #reads = 0;
  #deliver: ((event: IteratorResult<WatchEvent>) => void) | undefined;
  #fail: (error: Error) => void = () => undefined;

  constructor() {
    this.watching = new Promise((resolve) => (this.#started = resolve));
    this.refilled = new Promise((resolve) => (this.#refilled = resolve));
  }

  locks: () => Promise<Lock[]> = async () => [sample.lock];

  readonly api: AuthApi = complete({
    getLocks: () => this.locks(),
    getDomainName: async () => "wire.test",
    getCertAuthorities: async (type) => (type === "user" ? [sample.authority] : []),
    getClusterConfig: async () => sample.clusterConfig,
    getRoles: async () => [sample.role],
    getUsers: async () => this.users,
    getNodes: async () => {
      await this.beforeRead;
      if (++this.#reads === 2) setImmediate(this.#refilled);
      return [sample.node];
    },
    watch: (kinds, signal) => this.#watch(kinds, signal),
  });

  /** Delivers a change, and returns when the view has taken it. */
  async send(value: WatchEvent): Promise<void> {
    this.#deliver?.({ done: false, value });
    await new Promise((resolve) => setImmediate(resolve));
  }

  /** Ends the stream. */
  end(error: Error): void {
    this.#fail(error);
  }

  async *#watch(kinds: readonly { kind: string }[], signal: AbortSignal): AsyncIterable<WatchEvent> {
    this.watched = kinds.map(({ kind }) => kind);
    this.signal = signal;
    if (this.failure) throw this.failure;
    yield this.first;
    this.#started();
    for (;;) {
      const next = await new Promise<IteratorResult<WatchEvent>>((resolve, reject) => {
        this.#deliver = resolve;
        this.#fail = reject;
        signal.addEventListener("abort", () => resolve({ done: true, value: undefined }), { once: true });
      });
      if (next.done) return;
      yield next.value;
    }
  }
}
