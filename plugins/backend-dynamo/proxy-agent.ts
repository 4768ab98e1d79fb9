import { request as httpRequest } from "node:http";
import { Agent, request as httpsRequest } from "node:https";
import type { Duplex } from "node:stream";
import { connect as connectTls } from "node:tls";
import { unavailable } from "@teleport/plugin";

const CONNECT_LIMIT_MS = 10_000;

/**
 * The proxy that the environment names for an HTTPS host, as other programs read it: `HTTPS_PROXY` unless `NO_PROXY`
 * lists the host or a domain it lies in. Lower-case names win.
 */
export function proxyFor(host: string, env: NodeJS.ProcessEnv): URL | undefined {
  const proxy = env["https_proxy"] || env["HTTPS_PROXY"];
  const excluded = (env["no_proxy"] || env["NO_PROXY"] || "").split(/[\s,]+/).filter(Boolean);
  if (!proxy || excluded.some((entry) => entry === "*" || matches(host, entry))) {
    return undefined;
  }
  const url = proxy.includes("://") ? proxy : `http://${proxy}`;
  return URL.canParse(url) ? new URL(url) : undefined;
}

function matches(host: string, entry: string): boolean {
  const domain = entry.replace(/^\*?\./, "").replace(/:\d+$/, "");
  return host === domain || host.endsWith(`.${domain}`);
}

type Connected = (error: Error | null, stream?: Duplex) => void;

/** Opens TLS connections through an HTTP proxy (CONNECT, RFC 9110 section 9.3.6), where the environment names one. */
export class ProxyAgent extends Agent {
  override createConnection(
    options: { host?: string | null; port?: string | number | null },
    done: Connected,
  ): undefined {
    const host = options.host ?? "";
    const proxy = proxyFor(host, process.env);
    if (!proxy) {
      done(null, connectTls(options as object));
      return;
    }
    const target = `${host}:${options.port ?? 443}`;
    const user =
      proxy.username && `${decodeURIComponent(proxy.username)}:${decodeURIComponent(proxy.password)}`;
    const open = (proxy.protocol === "https:" ? httpsRequest : httpRequest)({
      host: proxy.hostname,
      port: proxy.port || (proxy.protocol === "https:" ? 443 : 80),
      method: "CONNECT",
      path: target,
      timeout: CONNECT_LIMIT_MS,
      headers: {
        host: target,
        ...(user && { "proxy-authorization": `Basic ${Buffer.from(user).toString("base64")}` }),
      },
    });
    const refused = (why: string): void =>
      done(unavailable(`the proxy ${proxy.host} of HTTPS_PROXY did not connect to ${target}: ${why}`));
    open.once("connect", ({ statusCode }, socket) => {
      if (statusCode !== 200) {
        socket.destroy();
        refused(`status ${String(statusCode)}`);
        return;
      }
      done(null, connectTls({ ...options, socket } as object));
    });
    open.once("timeout", () => open.destroy(new Error("it did not answer")));
    open.once("error", (error) => refused(error.message));
    open.end();
  }
}
