import type { DynamoDBClient, WriteRequest } from "@aws-sdk/client-dynamodb";
import type { KeyRange } from "@teleport/plugin";
import { BATCH_WRITES, writeBatch } from "./batch-writes.js";
import type { Reader } from "./reader.js";
import type { Requests } from "./requests.js";
import { keyOf, rowKey } from "./row.js";

/** Batches under way at once. */
const MAX_BATCHES = 4;

/** Removes every live item of a range, in batches, and returns how many it found. Expired rows are left to the sweep. */
export async function eraseRange(
  range: KeyRange,
  reader: Reader,
  client: DynamoDBClient,
  requests: Requests,
): Promise<number> {
  let count = 0;
  for await (const rows of reader.pages(range, undefined)) {
    count += rows.length;
    const batches: WriteRequest[][] = [];
    for (let at = 0; at < rows.length; at += BATCH_WRITES) {
      const keys = rows.slice(at, at + BATCH_WRITES).map((row) => keyOf(row) ?? "");
      batches.push(keys.map((key) => ({ DeleteRequest: { Key: rowKey(key) } })));
    }
    const work = async (): Promise<void> => {
      for (let batch = batches.pop(); batch; batch = batches.pop()) {
        await writeBatch(batch, client, requests);
      }
    };
    await Promise.all(Array.from({ length: MAX_BATCHES }, work));
  }
  return count;
}
