/** The diagnostic HTTP server of `--diag-addr`: health, readiness and metrics (features.md §11.3). */
import http from "node:http";
import type net from "node:net";
import type { Metrics } from "./metrics.js";
import { createPrometheus } from "./prometheus.js";

/** How far the process is. */
export type ProcessState = "starting" | "ok" | "degraded";

/** What a readiness request is answered with. */
export interface Readiness {
  readonly state: ProcessState;
  /** What is not ready and why, where that is known. */
  readonly reason?: string | undefined;
}

const READINESS: Readonly<Record<ProcessState, { status: number; text: string }>> = {
  starting: { status: 400, text: "teleport is starting and hasn't joined the cluster yet" },
  ok: { status: 200, text: "ok" },
  degraded: { status: 503, text: "teleport is in a degraded state, check logs for details" },
};

/** The running diagnostic server. */
export interface Diagnostics {
  /** Fills `/metrics`. */
  readonly metrics: Metrics;
  accept(socket: net.Socket): void;
  close(): Promise<void>;
}

/** Starts the server; the caller owns the listener. `readiness` is asked at every readiness request. */
export function createDiagnostics(readiness: () => Readiness): Diagnostics {
  const { registry, metrics } = createPrometheus(() => readiness().state);
  const server = http.createServer((request, response) => {
    void answer(request.url ?? "/", response);
  });

  async function answer(url: string, response: http.ServerResponse): Promise<void> {
    const path = url.split("?")[0];
    if (path === "/metrics") {
      const body = await registry.metrics();
      response.writeHead(200, { "Content-Type": registry.contentType }).end(body);
      return;
    }
    if (path !== "/healthz" && path !== "/readyz") {
      response.writeHead(404, { "Content-Type": "text/plain" }).end("404 page not found\n");
      return;
    }
    const { state, reason }: Readiness = path === "/healthz" ? { state: "ok" } : readiness();
    const { status, text } = { ...READINESS[state], ...(reason !== undefined && { text: reason }) };
    response.writeHead(status, { "Content-Type": "application/json" }).end(JSON.stringify({ status: text }));
  }

  return {
    metrics,
    accept: (socket) => void server.emit("connection", socket),
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
        registry.clear();
      }),
  };
}
