import type { ScalableDimension } from "@aws-sdk/client-application-auto-scaling";
import { UpdateContinuousBackupsCommand } from "@aws-sdk/client-dynamodb";
import { unavailable } from "@teleport/plugin";
import type { AwsClients } from "./clients.js";
import type { Requests } from "./requests.js";
import type { DynamoSettings, Scaling } from "./settings.js";

/** What can be asked for besides the table itself. */
export type ExtraSettings = Pick<DynamoSettings, "continuousBackups" | "autoScaling">;

const UNKNOWN: ReadonlySet<string> = new Set([
  "UnknownOperationException",
  "UnknownOperation",
  "InvalidAction",
  "NotImplemented",
]);
/** A new table can have backups only after a while. */
const BACKUPS_TRIES = 20;
const BACKUPS_WAIT_MS = 1500;

/**
 * Switches on continuous backups and auto scaling as the settings ask, at every start. What an emulator does not know
 * is a WARN; AWS itself must do it.
 */
export async function applyExtras(
  settings: ExtraSettings,
  clients: AwsClients,
  requests: Requests,
): Promise<void> {
  if (settings.continuousBackups) {
    await tolerating("continuous_backups", clients, requests, () => enableBackups(clients, requests));
  }
  const { autoScaling } = settings;
  if (autoScaling) {
    await tolerating("auto_scaling", clients, requests, () => enableScaling(autoScaling, clients, requests));
  }
}

async function enableBackups(clients: AwsClients, requests: Requests): Promise<void> {
  const { table, clock } = requests.context;
  const command = new UpdateContinuousBackupsCommand({
    TableName: table,
    PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
  });
  const expected = (thrown: unknown): boolean => isUnknown(thrown) || isNotYet(thrown);
  for (let tries = 1; ; tries++) {
    try {
      await requests.call("UpdateContinuousBackups", (options) => clients.tables.send(command, options), {
        expected,
      });
      return;
    } catch (error) {
      if (!isNotYet(error)) {
        throw error;
      }
      if (tries === BACKUPS_TRIES) {
        throw unavailable(`DynamoDB table ${table} takes no continuous backups yet: start teleport again`, {
          cause: error,
        });
      }
      await clock.sleep(BACKUPS_WAIT_MS, requests.closed);
    }
  }
}

async function enableScaling(
  { read, write }: { readonly read: Scaling; readonly write: Scaling },
  clients: AwsClients,
  requests: Requests,
): Promise<void> {
  const { PutScalingPolicyCommand, RegisterScalableTargetCommand } =
    await import("@aws-sdk/client-application-auto-scaling");
  const client = await clients.scaling();
  const resource = `table/${requests.context.table}`;
  const set = async (
    name: "read" | "write",
    dimension: ScalableDimension,
    metric: "DynamoDBReadCapacityUtilization" | "DynamoDBWriteCapacityUtilization",
    { min, max, targetPercent }: Scaling,
  ): Promise<void> => {
    const target = {
      ServiceNamespace: "dynamodb" as const,
      ResourceId: resource,
      ScalableDimension: dimension,
    };
    const register = new RegisterScalableTargetCommand({ ...target, MinCapacity: min, MaxCapacity: max });
    await requests.call(
      "application-autoscaling:RegisterScalableTarget",
      (options) => client.send(register, options),
      {
        expected: isUnknown,
      },
    );
    const policy = new PutScalingPolicyCommand({
      ...target,
      // The name that 5.0 gives it, so that there is one policy after a move from there.
      PolicyName: `${resource}-${name}-target-tracking-scaling-policy`,
      PolicyType: "TargetTrackingScaling",
      TargetTrackingScalingPolicyConfiguration: {
        PredefinedMetricSpecification: { PredefinedMetricType: metric },
        TargetValue: targetPercent,
      },
    });
    await requests.call(
      "application-autoscaling:PutScalingPolicy",
      (options) => client.send(policy, options),
      {
        expected: isUnknown,
      },
    );
  };
  try {
    await set("read", "dynamodb:table:ReadCapacityUnits", "DynamoDBReadCapacityUtilization", read);
    await set("write", "dynamodb:table:WriteCapacityUnits", "DynamoDBWriteCapacityUtilization", write);
  } finally {
    client.destroy();
  }
}

async function tolerating(
  key: string,
  { customEndpoint }: AwsClients,
  { context }: Requests,
  work: () => Promise<void>,
): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (!isUnknown(error)) {
      throw error;
    }
    const what = `${key} is not offered by ${customEndpoint ?? `AWS in ${context.region}`}`;
    if (customEndpoint === undefined) {
      throw unavailable(`${what}: take it out of teleport.storage`, { cause: error });
    }
    context.log.warn(`${what} and is left out`, { table: context.table });
  }
}

function isUnknown(thrown: unknown): boolean {
  return UNKNOWN.has((thrown as Error | null)?.name ?? "");
}

function isNotYet(thrown: unknown): boolean {
  return (thrown as Error | null)?.name === "ContinuousBackupsUnavailableException";
}
