import { BatchWriteItemCommand, type DynamoDBClient, type WriteRequest } from "@aws-sdk/client-dynamodb";
import { unavailable } from "@teleport/plugin";
import type { Requests } from "./requests.js";

/** Most writes of one request, by the service's limit. */
export const BATCH_WRITES = 25;
const MAX_ROUNDS = 10;

/**
 * Sends one batch of at most {@link BATCH_WRITES} writes to different keys, and what the service leaves over again.
 * Throws `unavailable` where it goes on leaving some; which ones were carried out is then not known.
 */
export async function writeBatch(
  writes: readonly WriteRequest[],
  client: DynamoDBClient,
  requests: Requests,
): Promise<void> {
  const { table } = requests.context;
  let left = [...writes];
  for (let round = 1; left.length > 0; round++) {
    const { UnprocessedItems } = await requests.call(
      "BatchWriteItem",
      (options) => client.send(new BatchWriteItemCommand({ RequestItems: { [table]: left } }), options),
      { write: true },
    );
    left = UnprocessedItems?.[table] ?? [];
    if (left.length === 0) {
      return;
    }
    if (round >= MAX_ROUNDS || !requests.mayRetryThrottled()) {
      throw unavailable(
        `DynamoDB throttles table ${table} and left ${left.length} writes undone: raise its capacity or try again`,
      );
    }
    await requests.pause(round, undefined, requests.closed);
  }
}
