import { accessDenied, errorMessage, hasCode, internal, unavailable } from "../../errors/error.js";
import type { Clock } from "../../plugin/clock.js";
import type { Logger } from "../../plugin/logger.js";
import type { ClusterConfig } from "../../resources/cluster.js";
import type { AuthApi, WatchEvent } from "./api.js";
import { jitteredDelay } from "./retry.js";
import type { ClusterView, ViewKind, ViewOptions } from "./view.js";
import { ViewStore } from "./view-store.js";

const BACKOFF = { baseMs: 1_000, maxMs: 30_000 };

/** What a view needs besides its kinds. */
export interface ClusterViewOptions extends ViewOptions {
  readonly log: Logger;
  readonly clock: Clock;
  /** Ends the wait for the first fill; afterwards `close` ends the view. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Creates a view and fills it. While the auth service is `unavailable` the first fill is tried again with back-off; any
 * other failure is thrown. Once filled, the view follows changes; when the stream of these ends it reads everything
 * anew, and serves what it has until that succeeds (wire.md §5.6).
 */
export async function createClusterView(api: AuthApi, options: ClusterViewOptions): Promise<ClusterView> {
  const { clock, log } = options;
  const store = new ViewStore();
  const closing = new AbortController();
  const stop = (): void => closing.abort(unavailable("the view is closed"));
  options.signal?.addEventListener("abort", stop, { once: true });
  let staleSince: Date | undefined;
  let clusterName = "";

  /** Follows one stream until it ends; `filled` is called once the replica is in step. */
  async function follow(filled: () => void): Promise<never> {
    const ended = new AbortController();
    const end = (): void => ended.abort();
    closing.signal.addEventListener("abort", end, { once: true });
    try {
      const kinds = await offeredKinds(api, options.kinds, log);
      const events = api
        .watch(
          kinds.map((kind) => ({ kind })),
          ended.signal,
        )
        [Symbol.asyncIterator]();
      const first = await events.next();
      if (first.done || first.value.type !== "init")
        throw internal("the watch did not start with an init event");
      // Changes since the start of the stream wait until the read is done: it may or may not hold them already.
      let early: WatchEvent[] | undefined = [];
      const following = (async (): Promise<never> => {
        for (let next = await events.next(); !next.done; next = await events.next()) {
          if (early) early.push(next.value);
          else store.apply(next.value);
        }
        throw unavailable("the auth server ended the watch");
      })();
      following.catch(() => undefined);
      clusterName = await api.getDomainName();
      await store.fill(api, kinds);
      for (const event of early) store.apply(event);
      early = undefined;
      staleSince = api.staleSince?.();
      filled();
      return await following;
    } finally {
      closing.signal.removeEventListener("abort", end);
      end();
    }
  }

  async function followForever(firstFill: { done(): void; failed(error: unknown): void }): Promise<void> {
    let attempt = 0;
    let everFilled = false;
    while (!closing.signal.aborted) {
      try {
        await follow(() => {
          attempt = 0;
          if (staleSince !== undefined) {
            log.warn(
              "the storage of the auth service is away; the view of the cluster is of an earlier moment",
              {
                since: staleSince.toISOString(),
              },
            );
          } else if (everFilled) log.info("the view of the cluster is in step again");
          everFilled = true;
          firstFill.done();
        });
      } catch (error) {
        if (closing.signal.aborted) break;
        if (!everFilled && !hasCode(error, "unavailable")) {
          firstFill.failed(error);
          return;
        }
        if (everFilled) staleSince ??= clock.now();
        const waitMs = jitteredDelay(attempt++, BACKOFF);
        log.warn(`the view of the cluster cannot be refreshed: ${errorMessage(error)}`, {
          retrySeconds: Math.round(waitMs / 1000),
        });
        await clock.sleep(waitMs, closing.signal).catch(() => undefined);
      }
    }
    firstFill.failed(options.signal?.reason ?? unavailable("the view is closed"));
  }

  let running: Promise<void> = Promise.resolve();
  await new Promise<void>((done, failed) => {
    running = followForever({ done, failed });
  });
  options.signal?.removeEventListener("abort", stop);

  const clusterConfig = (): ClusterConfig => {
    const [config] = store.all("cluster_config");
    if (!config) throw internal("this view holds no cluster configuration");
    return config;
  };

  return {
    clusterName,
    authorities: (type) => store.all("cert_authority").filter(({ spec }) => spec.type === type),
    clusterConfig,
    lockingMode: () => clusterConfig().spec.locking_mode ?? "best_effort",
    roles: (names) =>
      names.map((name) => {
        const role = store.get("role", name);
        if (!role) throw accessDenied(`role '${name}' does not exist`);
        return role;
      }),
    locks: () => store.all("lock"),
    user: (name) => store.get("user", name),
    nodes: () => store.all("node"),
    proxies: () => store.all("proxy"),
    authServers: () => store.all("auth_server"),
    onChange: (kind, listener) => store.onChange(kind, listener),
    staleSince: () => staleSince,
    async close() {
      stop();
      await running;
    },
  };
}

/**
 * The kinds that the auth server has. One of 4.2 has no locks and would refuse a watch that names them; what shows it is
 * that it has no such call at all, which every server of ours has.
 */
async function offeredKinds(
  api: AuthApi,
  kinds: readonly ViewKind[],
  log: Logger,
): Promise<readonly ViewKind[]> {
  if (!kinds.includes("lock")) return kinds;
  try {
    await api.getLocks();
    return kinds;
  } catch (error) {
    if (!hasCode(error, "not_found")) throw error;
    log.warn("the auth server is of a release without locks: none will be held here");
    return kinds.filter((kind) => kind !== "lock");
  }
}
