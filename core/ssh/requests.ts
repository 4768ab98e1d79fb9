/** The peer's requests of one channel or connection, answered in the order of their arrival (RFC 4254 §4, §5.4). */
import { badParameter } from "../errors/error.js";
import type { PeerRequest, RequestReply } from "./contract.js";
import { MAX_WAITING_REQUESTS } from "./limits.js";

/** Decides about one request. */
export type RequestHandler = (request: PeerRequest) => RequestReply | Promise<RequestReply>;

/** Handles requests one after the other; the next one waits until the answer to the one before has been sent. */
export class RequestQueue {
  readonly #waiting: PeerRequest[] = [];
  readonly #handle: RequestHandler;
  readonly #reply: (reply: RequestReply) => void;
  readonly #failed: (request: PeerRequest, error: unknown) => void;
  #running = false;
  #held: boolean;
  #stopped = false;

  /**
   * `reply` sends an answer where one is wanted; `failed` is told of a handler that threw, which counts as a refusal. With
   * `held` nothing is handled before `release()`.
   */
  constructor(
    handle: RequestHandler,
    reply: (reply: RequestReply) => void,
    failed: (request: PeerRequest, error: unknown) => void,
    held = false,
  ) {
    this.#handle = handle;
    this.#reply = reply;
    this.#failed = failed;
    this.#held = held;
  }

  /** Adds a request. Throws `bad_parameter` where so many wait already that the peer is abusing us. */
  push(request: PeerRequest): void {
    if (this.#stopped) return;
    if (this.#waiting.length >= MAX_WAITING_REQUESTS) throw badParameter("too many unanswered requests");
    this.#waiting.push(request);
    this.#run();
  }

  /** Begins to handle what waits. */
  release(): void {
    this.#held = false;
    this.#run();
  }

  /** Forgets what waits and sends no more answers. */
  stop(): void {
    this.#stopped = true;
    this.#waiting.length = 0;
  }

  #run(): void {
    while (!this.#running && !this.#held) {
      const request = this.#waiting.shift();
      if (request === undefined) return;
      this.#running = true;
      try {
        const reply = this.#handle(request);
        if (reply instanceof Promise) {
          reply.then(
            (value) => this.#done(request, value),
            (error: unknown) => this.#threw(request, error),
          );
        } else {
          this.#answer(request, reply);
        }
      } catch (error) {
        this.#failed(request, error);
        this.#answer(request, false);
      }
    }
  }

  #threw(request: PeerRequest, error: unknown): void {
    this.#failed(request, error);
    this.#done(request, false);
  }

  #done(request: PeerRequest, reply: RequestReply): void {
    this.#answer(request, reply);
    this.#run();
  }

  #answer(request: PeerRequest, reply: RequestReply): void {
    this.#running = false;
    if (request.wantReply && !this.#stopped) this.#reply(reply);
  }
}
