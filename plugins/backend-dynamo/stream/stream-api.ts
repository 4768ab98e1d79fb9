import {
  DescribeStreamCommand,
  GetRecordsCommand,
  GetShardIteratorCommand,
  type _Record,
  type DynamoDBStreamsClient,
  type Shard,
} from "@aws-sdk/client-dynamodb-streams";
import { errorMessage } from "@teleport/plugin";
import type { Attempt, Requests } from "../requests.js";
import type { Place } from "./position.js";

/** Records of one GetRecords, the service's limit. */
export const MAX_RECORDS = 1000;

/** A place in the stream cannot be read from any more: changes behind it are lost. */
export class PlaceLost extends Error {}

/** A shard iterator has run out, after 15 minutes. */
export class IteratorExpired extends Error {}

const LOST: ReadonlySet<string> = new Set(["TrimmedDataAccessException", "ResourceNotFoundException"]);

/** One batch of a shard. */
export interface Batch {
  readonly records: readonly _Record[];
  /** Where the shard goes on; absent where it is closed and this is its last batch. */
  readonly next: string | undefined;
}

/** The calls on one stream. They throw {@link PlaceLost}, {@link IteratorExpired}, or `unavailable` after retries. */
export class StreamApi {
  constructor(
    private readonly client: DynamoDBStreamsClient,
    private readonly requests: Requests,
    readonly arn: string,
  ) {}

  /** All shards that still exist. */
  async shards(): Promise<Shard[]> {
    const shards: Shard[] = [];
    let after: string | undefined;
    do {
      const command = new DescribeStreamCommand({ StreamArn: this.arn, ExclusiveStartShardId: after });
      const { StreamDescription } = await this.#call("DescribeStream", (options) =>
        this.client.send(command, options),
      );
      shards.push(...(StreamDescription?.Shards ?? []));
      after = StreamDescription?.LastEvaluatedShardId;
    } while (after !== undefined);
    return shards;
  }

  /** An iterator for a place in a shard. */
  async iterator(shard: string, place: Place): Promise<string> {
    if (place.at === "iterator" && place.iterator !== undefined) {
      return place.iterator;
    }
    const from =
      place.at === "sequence"
        ? { ShardIteratorType: "AFTER_SEQUENCE_NUMBER" as const, SequenceNumber: place.sequence }
        : place.at === "first"
          ? { ShardIteratorType: "AT_SEQUENCE_NUMBER" as const, SequenceNumber: place.sequence }
          : { ShardIteratorType: place.at === "start" ? ("TRIM_HORIZON" as const) : ("LATEST" as const) };
    const command = new GetShardIteratorCommand({ StreamArn: this.arn, ShardId: shard, ...from });
    const { ShardIterator } = await this.#call("GetShardIterator", (options) =>
      this.client.send(command, options),
    );
    if (ShardIterator === undefined) {
      throw new PlaceLost(`shard ${shard} gives no iterator`);
    }
    return ShardIterator;
  }

  /** The next batch behind an iterator. */
  async records(iterator: string): Promise<Batch> {
    const command = new GetRecordsCommand({ ShardIterator: iterator, Limit: MAX_RECORDS });
    const { Records, NextShardIterator } = await this.#call("GetRecords", (options) =>
      this.client.send(command, options),
    );
    return { records: Records ?? [], next: NextShardIterator };
  }

  async #call<T>(operation: string, attempt: Attempt<T>): Promise<T> {
    try {
      return await this.requests.call(operation, attempt, { expected: isAboutPlace });
    } catch (error) {
      const name = (error as Error).name;
      if (name === "ExpiredIteratorException") {
        throw new IteratorExpired(errorMessage(error), { cause: error });
      }
      if (LOST.has(name)) {
        throw new PlaceLost(errorMessage(error), { cause: error });
      }
      throw error;
    }
  }
}

function isAboutPlace(thrown: unknown): boolean {
  const name = (thrown as Error | null)?.name ?? "";
  return name === "ExpiredIteratorException" || LOST.has(name);
}
