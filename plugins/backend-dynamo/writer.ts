import {
  DeleteItemCommand,
  GetItemCommand,
  PutItemCommand,
  UpdateItemCommand,
  type DynamoDBClient,
} from "@aws-sdk/client-dynamodb";
import {
  alreadyExists,
  compareFailed,
  notFound,
  unavailable,
  type Clock,
  type CodedError,
  type NewItem,
  type Revision,
} from "@teleport/plugin";
import { conditionFields, isAbsent, isLive, isLiveAt, type Condition } from "./conditions.js";
import { PutQueue } from "./put-queue.js";
import { ConditionFailed, type Attempt, type Requests } from "./requests.js";
import {
  expirySeconds,
  hasExpired,
  nowSeconds,
  ownRevision,
  readRevision,
  revisionOf,
  rowKey,
  RowWriter,
  type Row,
} from "./row.js";

/** What a condition that failed means, told by the row that stands there, if a live one does. */
type Refusal = (live: Row | undefined) => CodedError;

/**
 * Writes single items, each in one conditional request. The service tells which row stood against a condition; a row
 * with this very write's tag means that an earlier attempt succeeded though its answer was lost.
 */
export class Writer {
  readonly #rows: RowWriter;
  readonly #puts: PutQueue;

  constructor(
    private readonly client: DynamoDBClient,
    private readonly requests: Requests,
    private readonly clock: Clock,
  ) {
    this.#rows = new RowWriter(clock);
    this.#puts = new PutQueue(client, requests);
  }

  /** Writes where no live item is. Throws `already_exists`. */
  create(item: NewItem): Promise<Revision> {
    return this.#putIf(item, isAbsent(this.#now), () => alreadyExists(`${item.key} exists already`));
  }

  /** Writes in any case. After a lost answer the put is made again, whatever was written in between. */
  async put(item: NewItem): Promise<Revision> {
    const { row, revision } = this.#rows.row(item);
    await this.#puts.put(row);
    return revision;
  }

  /** Replaces a live item. Throws `not_found`, or `compare_failed` where `expected` is given. */
  async update(item: NewItem, expected?: Revision): Promise<Revision> {
    const condition = expected === undefined ? isLive(this.#now) : this.#isLiveAt(item.key, expected, absent);
    return this.#putIf(item, await condition, (live) => refuse(item.key, live));
  }

  /** Replaces a live item that has a revision. Throws `compare_failed`, also where there is none. */
  async compareAndSwap(item: NewItem, expected: Revision): Promise<Revision> {
    const refusal = (): CodedError => compareFailed(`${item.key} is not at the expected revision`);
    return this.#putIf(item, await this.#isLiveAt(item.key, expected, refusal), refusal);
  }

  /** Removes a live item. Throws `not_found`, or `compare_failed` where `expected` is given. */
  async delete(key: string, expected?: Revision): Promise<void> {
    const condition = await (expected === undefined
      ? isLive(this.#now)
      : this.#isLiveAt(key, expected, absent));
    await this.#conditional(
      key,
      undefined,
      (live) => refuse(key, live),
      () =>
        this.#write("DeleteItem", (options) =>
          this.client.send(
            new DeleteItemCommand({
              TableName: this.#table,
              Key: rowKey(key),
              ...conditionFields(condition),
            }),
            options,
          ),
        ),
    );
  }

  /** Gives a live item a new expiry. Throws `not_found`. */
  async keepAlive(key: string, expires: Date): Promise<Revision> {
    const tag = this.#rows.tag();
    const seconds = expirySeconds(expires);
    const update = {
      TableName: this.#table,
      Key: rowKey(key),
      UpdateExpression: "SET Expires = :expires, Revision = :tag",
      ...conditionFields(isLive(this.#now), { ":expires": { N: String(seconds) }, ":tag": { S: tag } }),
    };
    await this.#conditional(
      key,
      tag,
      () => absent(key),
      () => this.#write("UpdateItem", (options) => this.client.send(new UpdateItemCommand(update), options)),
    );
    return ownRevision(tag, seconds);
  }

  async #putIf(item: NewItem, condition: Condition, refusal: Refusal): Promise<Revision> {
    const { row, tag, revision } = this.#rows.row(item);
    const put = { TableName: this.#table, Item: row, ...conditionFields(condition) };
    await this.#conditional(item.key, tag, refusal, () =>
      this.#write("PutItem", (options) => this.client.send(new PutItemCommand(put), options)),
    );
    return revision;
  }

  async #conditional(
    key: string,
    tag: string | undefined,
    refusal: Refusal,
    write: () => Promise<unknown>,
  ): Promise<void> {
    try {
      await write();
    } catch (error) {
      if (!(error instanceof ConditionFailed)) {
        throw error;
      }
      const { row, afterUnsure } = error;
      if (tag !== undefined && row?.["Revision"]?.S === tag) {
        return;
      }
      if (afterUnsure) {
        throw unavailable(
          `DynamoDB lost the answer to a write of ${key}, and it may have happened: read it and try again`,
          { cause: error },
        );
      }
      throw refusal(row && !hasExpired(row, this.clock.now().getTime()) ? row : undefined);
    }
  }

  /** An item that 4.2 wrote has no tag: it is read, and the condition is then on all that the revision is made of. */
  async #isLiveAt(key: string, expected: Revision, refusal: (key: string) => CodedError): Promise<Condition> {
    if (readRevision(expected).by === "tag") {
      return isLiveAt(expected, undefined, this.#now);
    }
    const { Item: row } = await this.requests.call("GetItem", (options) =>
      this.client.send(
        new GetItemCommand({ TableName: this.#table, Key: rowKey(key), ConsistentRead: true }),
        options,
      ),
    );
    if (!row || hasExpired(row, this.clock.now().getTime())) {
      throw refusal(key);
    }
    if (revisionOf(row) !== expected) {
      throw refuse(key, row);
    }
    return isLiveAt(expected, row, this.#now);
  }

  #write<T>(operation: string, attempt: Attempt<T>): Promise<T> {
    return this.requests.call(operation, attempt, { write: true });
  }

  get #table(): string {
    return this.requests.context.table;
  }

  get #now(): number {
    return nowSeconds(this.clock.now().getTime());
  }
}

function absent(key: string): CodedError {
  return notFound(`${key} is not found`);
}

function refuse(key: string, live: Row | undefined): CodedError {
  return live ? compareFailed(`${key} is not at the expected revision`) : absent(key);
}
