import { PutItemCommand, type DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { BATCH_WRITES, writeBatch } from "./batch-writes.js";
import { ROW_BYTES } from "./item-limits.js";
import type { Requests } from "./requests.js";
import type { Row } from "./row.js";

/** Requests under way at once: with more, puts wait for each other and share one. */
const MAX_REQUESTS = 4;
/** Encoding a batch must not hold up the event loop. */
const MAX_BATCH_BYTES = 256 * 1024;

interface Put {
  readonly row: Row;
  readonly path: string;
  readonly bytes: number;
  readonly done: () => void;
  readonly failed: (error: unknown) => void;
}

/**
 * Carries out unconditional puts. One alone is a PutItem; those that come while others are under way share a
 * BatchWriteItem, which costs the same capacity and a fraction of the time.
 */
export class PutQueue {
  readonly #waiting: Put[] = [];
  #underWay = 0;
  #due = false;

  constructor(
    private readonly client: DynamoDBClient,
    private readonly requests: Requests,
  ) {}

  /** Resolves when the row is stored. */
  put(row: Row): Promise<void> {
    return new Promise((done, failed) => {
      const path = row["FullPath"]?.S ?? "";
      const bytes = (row["Value"]?.B?.length ?? 0) + path.length + ROW_BYTES;
      this.#waiting.push({ row, path, bytes, done, failed });
      this.#soon();
    });
  }

  /** At the end of the turn, so that puts that are made in one turn go together. */
  #soon(): void {
    if (this.#due || this.#underWay >= MAX_REQUESTS || this.#waiting.length === 0) {
      return;
    }
    this.#due = true;
    setImmediate(() => {
      this.#due = false;
      this.#underWay++;
      void this.#send(this.#take()).finally(() => {
        this.#underWay--;
        this.#soon();
      });
      this.#soon();
    });
  }

  /** The next puts that fit into one request; a batch may name a key only once. */
  #take(): Put[] {
    const batch: Put[] = [];
    const paths = new Set<string>();
    let bytes = 0;
    for (const put of this.#waiting) {
      const full = batch.length >= BATCH_WRITES || (batch.length > 0 && bytes + put.bytes > MAX_BATCH_BYTES);
      if (full || paths.has(put.path)) {
        break;
      }
      batch.push(put);
      paths.add(put.path);
      bytes += put.bytes;
    }
    this.#waiting.splice(0, batch.length);
    return batch;
  }

  async #send(batch: readonly Put[]): Promise<void> {
    try {
      const [only] = batch;
      if (only && batch.length === 1) {
        await this.requests.call(
          "PutItem",
          (options) =>
            this.client.send(
              new PutItemCommand({ TableName: this.requests.context.table, Item: only.row }),
              options,
            ),
          { write: true },
        );
      } else {
        const writes = batch.map(({ row }) => ({ PutRequest: { Item: row } }));
        await writeBatch(writes, this.client, this.requests);
      }
      batch.forEach(({ done }) => done());
    } catch (error) {
      batch.forEach(({ failed }) => failed(error));
    }
  }
}
