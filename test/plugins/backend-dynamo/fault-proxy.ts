import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** What happens to one request: an answer of the service's kind, before it is carried out or after. */
export type Fault =
  | { readonly status: number; readonly type: string; readonly message?: string; readonly after?: boolean }
  /** Carried out, and the connection is cut without an answer. */
  | "cut-after"
  /** The answer is changed. */
  | ((request: unknown, forward: (request: unknown) => Promise<Answer>) => Promise<Answer>);

/** An answer of the service. */
export interface Answer {
  readonly status: number;
  readonly body: Record<string, unknown>;
}

/** Stands between the storage and DynamoDB Local, and does what the real service does on a bad day. */
export class FaultProxy {
  /** The operations that came, in order. */
  readonly operations: string[] = [];
  readonly #server: Server;
  readonly #planned: { readonly operation: string; readonly fault: Fault; left: number }[] = [];

  private constructor(private readonly target: string) {
    this.#server = createServer((request, response) => {
      void this.#handle(request, response).catch(() => response.destroy());
    });
  }

  static async open(target: string): Promise<FaultProxy> {
    const proxy = new FaultProxy(target);
    proxy.#server.listen(0, "127.0.0.1");
    await once(proxy.#server, "listening");
    return proxy;
  }

  get endpoint(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** The next `times` requests of an operation meet a fault. */
  plan(operation: string, fault: Fault, times = 1): void {
    this.#planned.push({ operation, fault, left: times });
  }

  /** Forgets all plans and the operations so far. */
  clear(): void {
    this.#planned.splice(0);
    this.operations.splice(0);
  }

  async close(): Promise<void> {
    this.#server.close();
    this.#server.closeAllConnections();
    await once(this.#server, "close");
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body = Buffer.concat(chunks).toString();
    const target = String(request.headers["x-amz-target"]);
    const operation = target.slice(target.indexOf(".") + 1);
    this.operations.push(operation);

    const plan = this.#planned.find((entry) => entry.operation === operation && entry.left > 0);
    if (plan) plan.left--;
    const fault = plan?.fault;
    const forward = (content: unknown): Promise<Answer> => this.#forward(request, JSON.stringify(content));
    if (fault === undefined) {
      send(response, await forward(JSON.parse(body)));
    } else if (fault === "cut-after") {
      await forward(JSON.parse(body));
      response.destroy();
    } else if (typeof fault === "function") {
      send(response, await fault(JSON.parse(body), forward));
    } else {
      if (fault.after) await forward(JSON.parse(body));
      const type = `com.amazonaws.dynamodb.v20120810#${fault.type}`;
      send(response, { status: fault.status, body: { __type: type, message: fault.message ?? "planned" } });
    }
  }

  /** DynamoDB Local checks no signature, only that there is one. */
  async #forward({ headers }: IncomingMessage, body: string): Promise<Answer> {
    const answer = await fetch(this.target, {
      method: "POST",
      headers: {
        "content-type": "application/x-amz-json-1.0",
        "x-amz-target": String(headers["x-amz-target"]),
        "authorization": String(headers.authorization),
        "x-amz-date": String(headers["x-amz-date"]),
      },
      body,
    });
    return { status: answer.status, body: (await answer.json()) as Record<string, unknown> };
  }
}

function send(response: ServerResponse, { status, body }: Answer): void {
  response.writeHead(status, { "content-type": "application/x-amz-json-1.0" }).end(JSON.stringify(body));
}
