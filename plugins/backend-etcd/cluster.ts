import { setTimeout as pause } from "node:timers/promises";
import { unavailable, type Clock, type Logger } from "@teleport/plugin";
import type { IResponseHeader } from "etcd3";
import type { Access } from "./access.js";
import { Backoff } from "./backoff.js";
import { callFailure, CallFailure, causeOf, isLasting, mayRetry } from "./failure.js";
import { Gate } from "./gate.js";
import { Login } from "./login.js";
import { Peer, type Calls, type WatchStream } from "./peer.js";
import type { PeerAddress } from "./settings.js";

/** How long a call of the storage may take, attempts and pauses together. */
export const CALL_MS = 12_000;
/** The longest single attempt: a little longer than etcd's own limit of 7 s. */
const ATTEMPT_MS = 8000;
/**
 * The first attempt; every further one has twice the time. A request that was on its way to a leader when that was lost
 * gets no answer before etcd's own limit.
 */
const FIRST_ATTEMPT_MS = 2000;
/** An answer that takes longer than this makes us look at the peer. */
const SILENT_MS = 600;
/** How long a peer has to answer when another one does. */
const EXAMINATION_MS = 600;
/** How often peers with open watches are looked at: a frozen one says nothing by itself. */
const PULSE_MS = 1500;

/** How long an attempt may take after so many others. */
export function attemptMs(tries: number, deadline: number): number {
  return Math.min(FIRST_ATTEMPT_MS * 2 ** tries, deadline - performance.now());
}

/** Options of a repeated call. */
export interface CallOptions {
  readonly timeoutMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * The etcd cluster: one peer is used until it fails or is silent while another one answers. Calls that may be repeated
 * are, with jitter, within a deadline.
 */
export class Cluster {
  readonly #peers: Peer[];
  readonly #login: Login;
  readonly #gate = new Gate();
  #current: Peer;
  #id: string | undefined;
  #shortId = "0";
  #seen = 0;
  #examination: Promise<void> | undefined;

  constructor(
    addresses: readonly PeerAddress[],
    access: Access,
    /** A key that we may read: what peers are asked for to see whether they serve. */
    private readonly probeKey: Buffer,
    private readonly clock: Clock,
    private readonly log: Logger,
    private readonly closing: AbortSignal,
  ) {
    this.#peers = addresses.map((address) => new Peer(address, access));
    this.#current = this.#peers[Math.floor(Math.random() * this.#peers.length)] as Peer;
    this.#login = new Login(access, log);
    closing.addEventListener("abort", () => this.#peers.forEach((peer) => peer.drop()), { once: true });
  }

  /** The number of the etcd cluster, in base 36; known once connected. */
  get id(): string {
    return this.#shortId;
  }

  /** The newest store revision that any answer has shown. */
  get seen(): number {
    return this.#seen;
  }

  /**
   * Waits for the first peer that serves. Throws `unavailable` that names each peer with its cause when none has by the
   * time-out, or sooner where waiting cannot help.
   */
  async connect(timeoutMs: number): Promise<void> {
    const causes = new Map<Peer, CallFailure>();
    const stop = new AbortController();
    const deadline = pause(timeoutMs, undefined, { signal: stop.signal }).catch(() => undefined);
    const attempts = this.#peers.map(async (peer) => {
      const backoff = new Backoff(this.clock);
      while (!stop.signal.aborted && !this.closing.aborted) {
        try {
          await this.#probe(peer, Math.min(timeoutMs, ATTEMPT_MS));
          return peer;
        } catch (error) {
          const failure = callFailure(error, peer.url);
          causes.set(peer, failure);
          if (isLasting(failure)) break;
        }
        await backoff.pause(stop.signal).catch(() => undefined);
      }
      throw new CallFailure("unsent", peer.url, "not reached");
    });
    const first = await Promise.race([Promise.any(attempts).catch(() => undefined), deadline]);
    stop.abort();
    if (this.closing.aborted) throw unavailable("the storage is closed");
    if (!first) {
      const list = this.#peers.map((peer) => {
        const failure = causes.get(peer) ?? new CallFailure("unknown", peer.url, "no answer");
        return `${peer.url}: ${causeOf(failure)}`;
      });
      throw unavailable(`no etcd peer can be used: ${list.join("; ")}`, {
        cause: [...causes.values()][0],
      });
    }
    this.#current = first;
    void this.#pulse();
  }

  /** A call that may be repeated until the deadline. Rejects with a {@link CallFailure}. */
  async call<M extends keyof Calls>(
    method: M,
    request: Calls[M]["request"],
    options: CallOptions = {},
  ): Promise<Calls[M]["response"]> {
    const deadline = performance.now() + (options.timeoutMs ?? CALL_MS);
    const backoff = new Backoff(this.clock);
    for (let tries = 0; ; tries++) {
      try {
        return await this.attempt(method, request, attemptMs(tries, deadline));
      } catch (error) {
        const failure = callFailure(error, this.#current.url);
        if (!mayRetry(failure) || performance.now() >= deadline) throw failure;
        options.signal?.throwIfAborted();
      }
      await this.rest(backoff, deadline);
    }
  }

  /**
   * One attempt, at the peer in use; only a refused token is replaced and tried again. Rejects with a
   * {@link CallFailure}, whose kind says whether the request can have had an effect.
   */
  async attempt<M extends keyof Calls>(
    method: M,
    request: Calls[M]["request"],
    timeoutMs: number,
  ): Promise<Calls[M]["response"]> {
    for (let tokens = 0; ; tokens++) {
      try {
        return await this.#gate.pass(() => this.#once(method, request, timeoutMs));
      } catch (error) {
        const failure = callFailure(error, this.#current.url);
        if (failure.kind !== "token" || tokens >= 3) throw failure;
      }
    }
  }

  /** Gives a lease its full time again; 0 where it is gone. Rejects with a {@link CallFailure}. */
  async keepLeaseAlive(lease: string, timeoutMs: number): Promise<number> {
    const peer = this.#current;
    const login = this.#login.metadata(peer);
    try {
      return await peer.keepLeaseAlive(lease, await login, timeoutMs);
    } catch (error) {
      throw this.#noted(error, peer, login);
    }
  }

  /** Opens a stream of watches at the peer in use. */
  async openWatch(): Promise<{
    readonly stream: WatchStream;
    readonly failed: (error: unknown) => CallFailure;
  }> {
    const peer = this.#current;
    const login = this.#login.metadata(peer);
    try {
      return { stream: peer.watch(await login), failed: (error) => this.#noted(error, peer, login) };
    } catch (error) {
      throw this.#noted(error, peer, login);
    }
  }

  /** Pauses before another attempt, not beyond the deadline. Rejects with a {@link CallFailure} when closed. */
  async rest(backoff: Backoff, deadline: number): Promise<void> {
    await Promise.race([
      backoff.pause(this.closing).catch(() => undefined),
      pause(Math.max(0, deadline - performance.now())),
    ]);
    if (this.closing.aborted) throw new CallFailure("closed", this.#current.url, "closed");
  }

  /** New connections use the certificates as they are now. */
  renew(): void {
    this.#peers.forEach((peer) => peer.renew());
  }

  /** Notes the revision and checks the cluster of an answer. */
  note(header: Pick<IResponseHeader, "cluster_id" | "revision">, peer: string): void {
    if (this.#id === undefined) {
      this.#id = header.cluster_id;
      this.#shortId = BigInt(header.cluster_id).toString(36);
    }
    if (header.cluster_id !== this.#id) {
      throw new CallFailure("stranger", peer, "it belongs to another etcd cluster than the other peers");
    }
    const revision = Number(header.revision);
    if (revision > this.#seen) this.#seen = revision;
  }

  async #once<M extends keyof Calls>(
    method: M,
    request: Calls[M]["request"],
    timeoutMs: number,
  ): Promise<Calls[M]["response"]> {
    if (this.closing.aborted) throw new CallFailure("closed", this.#current.url, "closed");
    const peer = this.#current;
    const login = this.#login.metadata(peer);
    const silent = setInterval(() => this.#examine(), SILENT_MS);
    try {
      const metadata = login instanceof Promise ? await login : login;
      const limitMs = Math.max(1, Math.min(timeoutMs, ATTEMPT_MS));
      const response = await peer.call(method, request, metadata, limitMs);
      if ("header" in response) this.note(response.header, peer.url);
      return response;
    } catch (error) {
      throw this.#noted(error, peer, login);
    } finally {
      clearInterval(silent);
    }
  }

  /** Draws the consequences of a failure: log in again, or go on with another peer. */
  #noted(error: unknown, peer: Peer, login: ReturnType<Login["metadata"]>): CallFailure {
    const failure = callFailure(error, peer.url);
    if (failure.kind === "token") this.#login.forget(login);
    if (this.closing.aborted) return new CallFailure("closed", peer.url, "closed", { cause: failure });
    if (mayRetry(failure) && failure.kind !== "busy") this.#leave(peer, failure);
    return failure;
  }

  #leave(peer: Peer, failure: CallFailure): void {
    if (this.#peers.length === 1 || this.#current !== peer) return;
    const next = this.#peers[(this.#peers.indexOf(peer) + 1) % this.#peers.length] as Peer;
    this.#current = next;
    this.log.debug("going on with another etcd peer", {
      from: peer.url,
      to: next.url,
      error: failure.message,
    });
  }

  async #probe(peer: Peer, timeoutMs: number): Promise<void> {
    for (let tokens = 0; ; tokens++) {
      const login = this.#login.metadata(peer);
      try {
        const request = { key: this.probeKey, keys_only: true };
        const response = await peer.call("range", request, await login, timeoutMs);
        this.note(response.header, peer.url);
        return;
      } catch (error) {
        const failure = callFailure(error, peer.url);
        if (failure.kind !== "token" || tokens >= 3) throw failure;
        this.#login.forget(login);
      }
    }
  }

  /**
   * Looks whether peers in use still serve. One that is silent is given up, but only where another one answers: when none
   * does (an election, a slow disk), waiting is better than sending everything again.
   */
  #examine(): void {
    if (this.#peers.length === 1 || this.#examination || this.closing.aborted) return;
    this.#examination = this.#examineAll().finally(() => (this.#examination = undefined));
  }

  async #examineAll(): Promise<void> {
    const serving = new Set<Peer>();
    const probes = this.#peers.map(async (peer) => {
      await this.#probe(peer, 2 * EXAMINATION_MS);
      serving.add(peer);
    });
    try {
      await Promise.any(probes);
    } catch {
      return;
    }
    await Promise.race([Promise.allSettled(probes), pause(EXAMINATION_MS)]);
    const [better] = serving;
    for (const peer of this.#peers) {
      if (serving.has(peer) || (peer !== this.#current && peer.watching === 0) || !better) continue;
      this.log.warn("an etcd peer does not answer; going on with another one", {
        from: peer.url,
        to: better.url,
      });
      if (peer === this.#current) this.#current = better;
      peer.drop();
    }
  }

  async #pulse(): Promise<void> {
    while (!this.closing.aborted) {
      await this.clock.sleep(PULSE_MS, this.closing).catch(() => undefined);
      if (this.#peers.some((peer) => peer.watching > 0)) this.#examine();
    }
  }
}
