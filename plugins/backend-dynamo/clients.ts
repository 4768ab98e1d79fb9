import type { ApplicationAutoScalingClient } from "@aws-sdk/client-application-auto-scaling";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { DynamoDBStreamsClient } from "@aws-sdk/client-dynamodb-streams";
import { badParameter, errorMessage } from "@teleport/plugin";
import { ProxyAgent } from "./proxy-agent.js";
import type { DynamoSettings } from "./settings.js";

const CONNECT_LIMIT_MS = 5000;
const ANSWER_LIMIT_MS = 10_000;
/** Requests are held back above this number, see `requests.ts`; streams need a few more. */
const MAX_SOCKETS = 64;

/** The SDK's clients. They make one attempt for each call: trying again is decided in `requests.ts`. */
export interface AwsClients {
  readonly tables: DynamoDBClient;
  readonly streams: DynamoDBStreamsClient;
  /** Loaded only where auto scaling is asked for. */
  scaling(): Promise<ApplicationAutoScalingClient>;
  /** As the settings or the SDK's rules give it. */
  readonly region: string;
  /** The address in place of AWS's own, where one is set: an emulator, or an interface endpoint of a VPC. */
  readonly customEndpoint: string | undefined;
  close(): void;
}

/** What decides where the clients connect, and as whom. */
export type ClientSettings = Pick<DynamoSettings, "region" | "endpoint" | "credentials">;

/** Builds the clients. Throws `bad_parameter` where no region can be found. Connects to nothing. */
export async function openClients(settings: ClientSettings): Promise<AwsClients> {
  // The SDK prints a warning about the age of Node, which is the installation's business.
  process.env["AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED"] ??= "true";
  const agents = { httpsAgent: new ProxyAgent({ keepAlive: true, maxSockets: MAX_SOCKETS }) };
  const config = {
    maxAttempts: 1,
    ...(settings.region !== undefined && { region: settings.region }),
    ...(settings.endpoint !== undefined && { endpoint: settings.endpoint }),
    ...(settings.credentials && { credentials: settings.credentials }),
    requestHandler: {
      ...agents,
      httpAgent: { keepAlive: true, maxSockets: MAX_SOCKETS },
      connectionTimeout: CONNECT_LIMIT_MS,
      requestTimeout: ANSWER_LIMIT_MS,
      throwOnRequestTimeout: true,
    },
  };
  const tables = new DynamoDBClient(config);
  const streams = new DynamoDBStreamsClient(config);
  const region = await regionOf(tables);
  const customEndpoint = endpointOf(settings, region, process.env);
  return {
    tables,
    streams,
    region,
    customEndpoint,
    async scaling() {
      const { ApplicationAutoScalingClient } = await import("@aws-sdk/client-application-auto-scaling");
      const own = process.env["AWS_ENDPOINT_URL_APPLICATION_AUTO_SCALING"];
      const endpoint = own ?? customEndpoint;
      return new ApplicationAutoScalingClient({ ...config, ...(endpoint !== undefined && { endpoint }) });
    },
    close() {
      tables.destroy();
      streams.destroy();
      agents.httpsAgent.destroy();
    },
  };
}

async function regionOf(client: DynamoDBClient): Promise<string> {
  try {
    return await client.config.region();
  } catch (cause) {
    throw badParameter(
      `there is no AWS region (${errorMessage(cause)}): set region under teleport.storage, or AWS_REGION`,
      { cause },
    );
  }
}

function endpointOf(settings: ClientSettings, region: string, env: NodeJS.ProcessEnv): string | undefined {
  return (
    settings.endpoint ??
    (env["AWS_ENDPOINT_URL_DYNAMODB"] || env["AWS_ENDPOINT_URL"] || undefined) ??
    (region === "local" ? "http://localhost:8000" : undefined)
  );
}
