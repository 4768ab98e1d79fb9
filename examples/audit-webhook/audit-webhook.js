/**
 * `audit.webhook`: sends audit events to an HTTP endpoint as JSON arrays. An event counts as recorded when the endpoint
 * has answered 2xx. Each event has a `uid`: an endpoint that sees one again (after a lost answer) must ignore it.
 */
import { readFile } from "node:fs/promises";
import http from "node:http";
import https from "node:https";
import { isAbsolute } from "node:path";
import { badParameter, definePlugin, unavailable, z } from "@teleport/plugin";

const absolutePath = z.string().refine(isAbsolute, "must be an absolute path");

const endpoint = z.string().transform((text, context) => {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (!url || !["http:", "https:"].includes(url.protocol)) {
    context.addIssue({ code: "custom", message: "must be an http:// or https:// URL" });
    return z.NEVER;
  }
  if (url.username || url.password) {
    context.addIssue({ code: "custom", message: "must not hold a password; use token_file" });
    return z.NEVER;
  }
  return url;
});

export default definePlugin({
  id: "audit.webhook",
  kind: "audit",
  apiVersion: "^1.0.0",
  schema: z.strictObject({
    url: endpoint,
    /** Holds a bearer token: a secret in teleport.yaml would be read by everyone who may read that. */
    token_file: absolutePath.optional(),
    /** PEM certificates to trust in place of the system's. */
    ca_file: absolutePath.optional(),
    /** For a whole request. The audit log itself gives up on a sink after 30 s. */
    timeout_seconds: z.number().positive().max(25).default(10),
  }),
  create(settings, { clock, log }) {
    const sink = new WebhookSink(settings, clock);
    return {
      product: sink,
      async start() {
        await sink.open();
        if (settings.url.protocol === "http:") log.warn("audit events travel unencrypted; use an https URL");
      },
      close: () => sink.close(),
    };
  },
});

class WebhookSink {
  #settings;
  #clock;
  /** What error texts call the endpoint: its path and query may be secret. */
  #name;
  #agent;
  #headers = {};
  #underWay = new Set();
  #closed = false;

  constructor(settings, clock) {
    this.#settings = settings;
    this.#clock = clock;
    this.#name = `the audit webhook at ${settings.url.origin}`;
  }

  /** Reads the files and sends an empty batch, so that a wrong URL or token stops the start and not the first login. */
  async open() {
    const { url, token_file: tokenFile, ca_file: caFile } = this.#settings;
    const token = tokenFile && (await readSetting("token_file", tokenFile)).trim();
    const ca = caFile && (await readSetting("ca_file", caFile));
    if (token) this.#headers = { Authorization: `Bearer ${token}` };
    const { Agent } = url.protocol === "https:" ? https : http;
    this.#agent = new Agent({ keepAlive: true, maxSockets: 8, ...(ca ? { ca } : {}) });
    await this.emit([]);
  }

  async emit(batch) {
    if (this.#closed) throw unavailable(`${this.#name} is closed`);
    const sending = this.#send(JSON.stringify(batch));
    this.#underWay.add(sending);
    try {
      await sending;
    } finally {
      this.#underWay.delete(sending);
    }
  }

  async close() {
    this.#closed = true;
    await Promise.allSettled(this.#underWay);
    this.#agent?.destroy();
  }

  async #send(body) {
    const { timeout_seconds: seconds } = this.#settings;
    const timeout = new AbortController();
    const done = new AbortController();
    this.#clock.sleep(seconds * 1000, done.signal).then(
      () => timeout.abort(),
      () => undefined,
    );
    try {
      const status = await this.#post(body, timeout.signal);
      if (status < 200 || status > 299) throw unavailable(`${this.#name} answered with status ${status}`);
    } catch (error) {
      if (timeout.signal.aborted) {
        throw unavailable(`${this.#name} did not answer within ${seconds} s`, { cause: error });
      }
      if (error.code === "unavailable") throw error;
      throw unavailable(`${this.#name} cannot be reached: ${error.message}`, { cause: error });
    } finally {
      done.abort();
    }
  }

  /** Resolves with the status once the whole answer is here. */
  #post(body, signal) {
    const { url } = this.#settings;
    const { request: open } = url.protocol === "https:" ? https : http;
    return new Promise((resolve, reject) => {
      const request = open(url, {
        method: "POST",
        agent: this.#agent,
        signal,
        headers: {
          ...this.#headers,
          "Content-Type": "application/json",
          "Content-Length": Buffer.byteLength(body),
        },
      });
      request.once("response", (response) => {
        response.once("end", () => resolve(response.statusCode));
        response.once("error", reject);
        response.resume();
      });
      request.once("error", (error) => {
        // The endpoint closed a kept connection just as it was used again; should it have the batch, the uids tell.
        if (request.reusedSocket && error.code === "ECONNRESET") resolve(this.#post(body, signal));
        else reject(error);
      });
      request.end(body);
    });
  }
}

async function readSetting(key, file) {
  try {
    return await readFile(file, "utf8");
  } catch (error) {
    throw badParameter(`cannot read ${key} ${file}: ${error.code}`, { cause: error });
  }
}
